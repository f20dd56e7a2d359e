//! The sentences of a story, in English and in Korean.

use chrono::{DateTime, Utc};

use super::{Advice, Holder, Language, Wait};
use terminal::language;

fn time(at: &DateTime<Utc>) -> String {
    at.format("%H:%M:%S%.3f UTC").to_string()
}

fn count(number: Option<u32>) -> String {
    number.map_or("?".to_owned(), |number| number.to_string())
}

impl Wait {
    /// A sentence that says what the order waits for.
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
                "{message} to be handled: it was published and is not handled yet. Queue {queue}: {} messages, {} \
                 consumers (one may have taken it already), {} dead letters",
                count(*standing),
                count(*consumers),
                count(*dead_letters)
            ),
            Wait::Answer { from, command, attempt, deadline } => format!(
                "the reply of {from} to {command} (sent {} times so far); sent again at {}",
                attempt + 1,
                time(deadline)
            ),
            Wait::RowLock { row, held_by, since, waiting } => format!(
                "the row {row}, locked by {}{}; sessions waiting for it: {waiting}",
                held_by.says(Language::English),
                since.map_or(String::new(), |since| format!(" since {}", time(&since)))
            ),
            Wait::InDoubt { module, gid, since } => format!(
                "the branch of {module} to be committed: prepared since {} (most likely {gid})",
                time(since)
            ),
            Wait::Silent { process, why } => format!("{process}, which does not respond: {why}"),
            Wait::Process { process, waits } => {
                language::with(Language::English, || format!("{process}: {waits}"))
            }
            Wait::Lost => "a lost message: no outbox has one, and nothing sends it again".into(),
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
                "{message} 메시지의 처리: 발행되었지만 아직 처리되지 않았습니다. 큐 {queue}: 메시지 {}개, 컨슈머 \
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
                format!("{module} 브랜치의 커밋: {}부터 준비된 상태입니다 ({gid}로 추정)", time(since))
            }
            Wait::Silent { process, why } => format!("응답하지 않는 프로세스 {process}: {why}"),
            Wait::Process { process, waits } => {
                language::with(Language::Korean, || format!("{process}: {waits}"))
            }
            Wait::Lost => "사라진 메시지: 어느 아웃박스에도 없고, 다시 보내는 프로세스도 없습니다".into(),
        }
    }
}

impl Holder {
    fn says(&self, language: Language) -> String {
        match (self, language) {
            (Holder::Session { pid, application, statement }, Language::English) => {
                format!("session {pid} ({application}), running: {statement}")
            }
            (Holder::Session { pid, application, statement }, Language::Korean) => {
                format!("세션 {pid} ({application})이 보유, 실행 중인 SQL 문: {statement}")
            }
            (Holder::Prepared { gid }, Language::English) => format!("the prepared transaction {gid}"),
            (Holder::Prepared { gid }, Language::Korean) => format!("준비된 트랜잭션 {gid}이 보유"),
        }
    }
}

impl Advice {
    /// A sentence that says what the action is for.
    pub fn says(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Korean => self.korean(),
        }
    }

    fn english(&self) -> String {
        match self {
            Advice::Nothing => "nothing to do".into(),
            Advice::AsksAgain { at } => {
                format!(
                    "wait: the saga sends the command again at {}; a second attempt does no harm",
                    time(at)
                )
            }
            Advice::ComesBack { process } => format!(
                "wait: the supervisor restarts {process} if it has ended; if it is paused, it continues when the \
                 fault ends"
            ),
            Advice::IsPublished => {
                "wait: the relay publishes what is in the outbox once the broker responds".into()
            }
            Advice::Faults => "list the active faults, and when each ends".into(),
            Advice::Heal => "end all faults now".into(),
            Advice::InDoubt => "list open prepared transactions and what they block".into(),
            Advice::Resolve => "finish open prepared transactions by the recorded decision".into(),
            Advice::LockEnds => "wait: the lock is released when the transaction that holds it ends".into(),
            Advice::Logs => "read what all processes logged about this order".into(),
            Advice::Audit => "run the audit: a lost order means that a rule was broken".into(),
        }
    }

    fn korean(&self) -> String {
        match self {
            Advice::Nothing => "할 일이 없습니다".into(),
            Advice::AsksAgain { at } => {
                format!(
                    "기다리세요. 사가가 {}에 명령을 다시 보냅니다. 두 번 받아도 한 번만 처리됩니다",
                    time(at)
                )
            }
            Advice::ComesBack { process } => format!(
                "기다리세요. {process} 프로세스가 종료되었다면 슈퍼바이저가 다시 시작하고, 멈춰 있다면 장애가 끝날 때 다시 움직입니다"
            ),
            Advice::IsPublished => {
                "기다리세요. 브로커가 응답하면 릴레이가 아웃박스의 메시지를 발행합니다".into()
            }
            Advice::Faults => "어떤 장애가 언제까지 주입되어 있는지 확인합니다".into(),
            Advice::Heal => "모든 장애를 지금 끝냅니다".into(),
            Advice::InDoubt => "미확정 트랜잭션과 이를 기다리는 세션을 확인합니다".into(),
            Advice::Resolve => "미확정 트랜잭션을 기록된 결정대로 마무리합니다".into(),
            Advice::LockEnds => "기다리세요. 잠금은 그 잠금을 쥔 트랜잭션이 끝나면 풀립니다".into(),
            Advice::Logs => "이 주문에 대해 모든 프로세스가 남긴 로그를 읽습니다".into(),
            Advice::Audit => "감사 결과를 확인합니다. 주문이 사라졌다면 규칙이 깨진 것입니다".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use terminal::language::has_hangul as is_korean;

    use super::*;

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
            Wait::Process {
                process: "payments".into(),
                waits: servers::Waits {
                    part: "consumer".into(),
                    on: "database".into(),
                    since: now,
                    why: "refused".into(),
                },
            },
            Wait::Lost,
        ];
        for held_by in holders {
            waits.push(Wait::RowLock { row: "wallets a".into(), held_by, since: Some(now), waiting: 2 });
        }
        for wait in &waits {
            assert!(!is_korean(&wait.says(Language::English)) && is_korean(&wait.says(Language::Korean)));
        }
        for advice in crate::advice::of(&waits) {
            assert!(!is_korean(&advice.says(Language::English)), "{advice:?}");
            assert!(is_korean(&advice.says(Language::Korean)), "{advice:?}");
        }
    }
}
