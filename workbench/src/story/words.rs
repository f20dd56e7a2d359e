//! What a story says, in English and in Korean. All words of it are here.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Advice, Evidence, Holder, Outcome, Wait, What};
use crate::run::Mode;

/// A language in which a story is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    English,
    /// Korean.
    Korean,
}

/// What is written beside a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// The title of the monolith's picture.
    OneTransaction,
    /// The title of the services' picture.
    SpaceTime,
    WaitsFor,
    NextActions,
    DecidedAfter,
    NotDecided,
    After,
    Took,
    ByRow,
    Concluded,
}

impl Label {
    #[cfg(test)]
    const ALL: [Label; 10] = [
        Label::OneTransaction,
        Label::SpaceTime,
        Label::WaitsFor,
        Label::NextActions,
        Label::DecidedAfter,
        Label::NotDecided,
        Label::After,
        Label::Took,
        Label::ByRow,
        Label::Concluded,
    ];

    pub(super) fn says(self, language: Language) -> &'static str {
        let (english, korean) = match self {
            Label::OneTransaction => ("one transaction", "하나의 트랜잭션"),
            Label::SpaceTime => ("hops between services", "서비스 사이를 오간 과정"),
            Label::WaitsFor => ("Waits for", "기다리는 것"),
            Label::NextActions => ("Safe to do now", "지금 안전하게 할 수 있는 일"),
            Label::DecidedAfter => ("decided after", "결정까지"),
            Label::NotDecided => ("not decided yet", "아직 결정되지 않음"),
            Label::After => ("after", "원인"),
            Label::Took => ("took", "걸린 시간"),
            Label::ByRow => ("from a row: the moment it was written", "행에서 읽음: 기록된 시각"),
            Label::Concluded => ("concluded", "다른 사실에서 추론함"),
        };
        language.choose(english, korean)
    }
}

impl Language {
    fn choose<T>(self, english: T, korean: T) -> T {
        match self {
            Language::English => english,
            Language::Korean => korean,
        }
    }
}

impl What {
    /// What this kind of event is called.
    pub fn says(self, language: Language) -> &'static str {
        let (english, korean) = match self {
            What::Call => ("call", "호출"),
            What::Receive => ("receive", "수신"),
            What::Step => ("step", "단계"),
            What::Commit => ("commit", "커밋"),
            What::Publish => ("publish", "발행"),
            What::Deliver => ("deliver", "전달"),
            What::Retry => ("retry", "재시도"),
            What::Compensate => ("compensate", "보상"),
            What::Answer => ("answer", "응답"),
        };
        language.choose(english, korean)
    }

    /// A sign for it, so that no kind is told by its colour alone.
    pub fn sign(self) -> &'static str {
        match self {
            What::Call => "▷",
            What::Receive => "▶",
            What::Step => "·",
            What::Commit => "●",
            What::Publish => "↗",
            What::Deliver => "↘",
            What::Retry => "↻",
            What::Compensate => "↩",
            What::Answer => "◁",
        }
    }
}

impl Outcome {
    /// What became of the order, with the refusal in a sentence.
    pub fn says(&self, language: Language) -> String {
        match self {
            Outcome::Cancelled { detail, .. } if !detail.is_empty() => {
                format!("{} ({detail})", self.word(language))
            }
            _ => self.word(language),
        }
    }

    /// The same in a word, with the refusal's code.
    pub fn word(&self, language: Language) -> String {
        match self {
            Outcome::Pending => language.choose("… pending", "… 대기 중").to_owned(),
            Outcome::Confirmed => language.choose("✓ confirmed", "✓ 확정됨").to_owned(),
            Outcome::Cancelled { code, .. } => {
                format!("{}: {code}", language.choose("✗ cancelled", "✗ 취소됨"))
            }
        }
    }
}

impl Evidence {
    pub(super) fn label(self) -> Option<Label> {
        match self {
            Evidence::Span => None,
            Evidence::Database => Some(Label::ByRow),
            Evidence::Concluded => Some(Label::Concluded),
        }
    }
}

/// What a picture of this mode shows.
pub(super) fn title(mode: Mode) -> Label {
    match mode {
        Mode::Monolith => Label::OneTransaction,
        Mode::Split => Label::SpaceTime,
    }
}

fn time(at: &DateTime<Utc>) -> String {
    at.format("%H:%M:%S%.3f UTC").to_string()
}

fn count(number: Option<u32>) -> String {
    number.map_or("?".to_owned(), |number| number.to_string())
}

impl Wait {
    /// What is waited for, as a sentence.
    pub fn says(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match self {
            Wait::Nothing => "nothing: it is decided".into(),
            Wait::OutboxRow { service, message, since, .. } => format!(
                "{message} to be published: it is committed in the outbox of {service}, since {}, and the broker has \
                 not confirmed it",
                time(since)
            ),
            Wait::Queue { queue, message, standing, consumers, dead_letters } => format!(
                "{message} to be handled: it was published, and nobody has handled it. In the queue {queue} stand {} \
                 messages; its consumers, who may have taken it already: {}; dead letters: {}",
                count(*standing),
                count(*consumers),
                count(*dead_letters)
            ),
            Wait::Answer { from, command, attempt, deadline } => format!(
                "the answer of {from} to {command} (times asked: {}); asked again at {}",
                attempt + 1,
                time(deadline)
            ),
            Wait::RowLock { row, held_by, since, waiting } => format!(
                "the row {row}, which is locked by {}{}; sessions that wait for it: {waiting}",
                held_by.says(Language::English),
                since.map_or(String::new(), |since| format!(" since {}", time(&since)))
            ),
            Wait::InDoubt { module, gid, since } => format!(
                "the part of {module} to be committed: it is prepared since {} (most likely {gid})",
                time(since)
            ),
            Wait::Silent { process, why } => format!("{process}, which does not answer: {why}"),
            Wait::Lost => {
                "a message that is not on its way: none is in an outbox, and nobody will ask again".into()
            }
        }
    }

    fn korean(&self) -> String {
        match self {
            Wait::Nothing => "없음: 주문이 결정되었습니다".into(),
            Wait::OutboxRow { service, message, since, .. } => format!(
                "{message} 메시지의 발행: {}부터 {service}의 아웃박스에 커밋되어 있으며, 브로커가 아직 확인하지 않았습니다",
                time(since)
            ),
            Wait::Queue { queue, message, standing, consumers, dead_letters } => format!(
                "{message} 메시지의 처리: 발행되었지만 아직 아무도 처리하지 않았습니다. 큐 {queue}: 메시지 {}개, 소비자 \
                 {}개(이미 가져갔을 수 있음), 데드 레터 {}개",
                count(*standing),
                count(*consumers),
                count(*dead_letters)
            ),
            Wait::Answer { from, command, attempt, deadline } => format!(
                "{command} 명령에 대한 {from}의 응답 ({}번 요청함). {}에 다시 요청합니다",
                attempt + 1,
                time(deadline)
            ),
            Wait::RowLock { row, held_by, since, waiting } => format!(
                "행 {row}의 잠금: {}{}. 이 잠금을 기다리는 세션: {waiting}개",
                held_by.says(Language::Korean),
                since.map_or(String::new(), |since| format!(", {}부터", time(&since)))
            ),
            Wait::InDoubt { module, gid, since } => {
                format!("{module} 부분의 커밋: {}부터 준비된 상태입니다 ({gid}로 추정)", time(since))
            }
            Wait::Silent { process, why } => format!("응답하지 않는 프로세스 {process}: {why}"),
            Wait::Lost => "오지 않을 메시지: 어느 아웃박스에도 없고, 다시 요청할 주체도 없습니다".into(),
        }
    }
}

impl Holder {
    fn says(&self, language: Language) -> String {
        match (self, language) {
            (Holder::Session { pid, application, statement }, Language::English) => {
                format!("session {pid} ({application}), which does: {statement}")
            }
            (Holder::Session { pid, application, statement }, Language::Korean) => {
                format!("세션 {pid} ({application})이 보유, 실행 중인 문장: {statement}")
            }
            (Holder::Prepared { gid }, Language::English) => format!("the prepared transaction {gid}"),
            (Holder::Prepared { gid }, Language::Korean) => format!("준비된 트랜잭션 {gid}이 보유"),
        }
    }
}

impl Advice {
    /// What it is for, as a sentence.
    pub fn says(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match self {
            Advice::Nothing => "nothing has to be done".into(),
            Advice::AsksAgain { at } => {
                format!("wait: the saga asks again at {}, which cannot do anything twice", time(at))
            }
            Advice::ComesBack { process } => format!(
                "wait: the supervisor starts {process} again if it has ended; if it was paused, it goes on when the \
                 fault ends"
            ),
            Advice::IsPublished => {
                "wait: the relay publishes what is in the outbox once the broker answers".into()
            }
            Advice::Faults => "see which faults disturb the shop, and until when".into(),
            Advice::Heal => "end all faults now".into(),
            Advice::InDoubt => "see what is prepared, and who waits for it".into(),
            Advice::Resolve => "finish what is prepared by the decision on record".into(),
            Advice::LockEnds => "wait: the lock ends with the transaction that holds it".into(),
            Advice::Logs => "read what all processes have logged about this order".into(),
            Advice::Audit => {
                "see what the audit says: an order that is lost is a rule that was broken".into()
            }
        }
    }

    fn korean(&self) -> String {
        match self {
            Advice::Nothing => "할 일이 없습니다".into(),
            Advice::AsksAgain { at } => {
                format!("기다리세요. 사가가 {}에 다시 요청하며, 같은 일이 두 번 일어나지 않습니다", time(at))
            }
            Advice::ComesBack { process } => format!(
                "기다리세요. {process} 프로세스가 끝났다면 슈퍼바이저가 다시 시작하고, 멈춰 있다면 장애가 끝날 때 이어집니다"
            ),
            Advice::IsPublished => {
                "기다리세요. 브로커가 응답하면 릴레이가 아웃박스의 메시지를 발행합니다".into()
            }
            Advice::Faults => "어떤 장애가 언제까지 주입되어 있는지 확인합니다".into(),
            Advice::Heal => "모든 장애를 지금 끝냅니다".into(),
            Advice::InDoubt => "준비된 트랜잭션과 그것을 기다리는 세션을 확인합니다".into(),
            Advice::Resolve => "준비된 트랜잭션을 기록된 결정에 따라 끝냅니다".into(),
            Advice::LockEnds => "기다리세요. 잠금은 그것을 가진 트랜잭션이 끝나면 풀립니다".into(),
            Advice::Logs => "이 주문에 대해 모든 프로세스가 남긴 로그를 읽습니다".into(),
            Advice::Audit => "감사 결과를 확인합니다. 주문이 사라졌다면 규칙이 깨진 것입니다".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_korean(text: &str) -> bool {
        text.chars().any(|c| ('가'..='힣').contains(&c))
    }

    #[test]
    fn no_word_is_missing_in_either_language() {
        let labels = Label::ALL.map(|label| (label.says(Language::English), label.says(Language::Korean)));
        let kinds = What::ALL.map(|what| (what.says(Language::English), what.says(Language::Korean)));
        for (english, korean) in labels.into_iter().chain(kinds) {
            assert!(!english.is_empty() && !is_korean(english), "{english}");
            assert!(is_korean(korean), "{english} has no Korean word: {korean}");
        }
        let signs: std::collections::BTreeSet<_> = What::ALL.map(What::sign).into();
        assert_eq!(signs.len(), What::ALL.len(), "two kinds look the same");
    }

    #[test]
    fn every_sentence_is_there_in_both_languages() {
        let now = Utc::now();
        let holders = [
            Holder::Session { pid: 7, application: "orders".into(), statement: "UPDATE".into() },
            Holder::Prepared { gid: "cleave:m:1:x:payments".into() },
        ];
        let mut waits = vec![
            Wait::Nothing,
            Wait::OutboxRow {
                service: "orders".into(),
                message: "catalog.honour-prices".into(),
                message_id: uuid::Uuid::nil(),
                since: now,
            },
            Wait::Queue {
                queue: "shop.payments".into(),
                message: "payments.capture-payment".into(),
                standing: Some(3),
                consumers: None,
                dead_letters: Some(0),
            },
            Wait::Answer {
                from: "payments".into(),
                command: "payments.capture-payment".into(),
                attempt: 1,
                deadline: now,
            },
            Wait::InDoubt { module: "payments".into(), gid: "cleave:m".into(), since: now },
            Wait::Silent { process: "payments".into(), why: "paused".into() },
            Wait::Lost,
        ];
        for held_by in holders {
            waits.push(Wait::RowLock { row: "wallets a".into(), held_by, since: Some(now), waiting: 2 });
        }
        for wait in &waits {
            assert!(!is_korean(&wait.says(Language::English)) && is_korean(&wait.says(Language::Korean)));
        }
        for advice in crate::story::waits::advice(&waits) {
            assert!(!is_korean(&advice.says(Language::English)), "{advice:?}");
            assert!(is_korean(&advice.says(Language::Korean)), "{advice:?}");
        }
    }
}
