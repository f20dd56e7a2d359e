//! Labels of a story's pictures, and names of its parts, in English and in Korean.

use terminal::language::Language;
use topology::Mode;

use super::{Evidence, OrderOutcome, What};

/// A label of a picture.
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
        choose(language, english, korean)
    }
}

/// The text in this language.
pub(super) fn choose<T>(language: Language, english: T, korean: T) -> T {
    match language {
        Language::English => english,
        Language::Korean => korean,
    }
}

impl What {
    /// The name of this kind of event.
    pub fn says(self, language: Language) -> &'static str {
        let (english, korean) = match self {
            What::Call => ("call", "호출"),
            What::Receive => ("receive", "수신"),
            What::Step => ("step", "단계"),
            What::Commit => ("commit", "커밋"),
            What::Publish => ("publish", "발행"),
            What::Deliver => ("handle", "처리"),
            What::Retry => ("retry", "재시도"),
            What::Compensate => ("compensate", "보상 트랜잭션"),
            What::Answer => ("response", "응답"),
        };
        choose(language, english, korean)
    }

    /// A sign for it, so that colour is not the only difference between kinds.
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

impl OrderOutcome {
    /// The outcome of the order; a refusal as a sentence.
    pub fn says(&self, language: Language) -> String {
        match self {
            OrderOutcome::Cancelled { detail, .. } if !detail.is_empty() => {
                format!("{} ({detail})", self.word(language))
            }
            _ => self.word(language),
        }
    }

    /// The outcome in a word; a refusal with its code.
    pub fn word(&self, language: Language) -> String {
        match self {
            OrderOutcome::Pending => choose(language, "… pending", "… 대기 중").to_owned(),
            OrderOutcome::Confirmed => choose(language, "✓ confirmed", "✓ 확정됨").to_owned(),
            OrderOutcome::Cancelled { code, .. } => {
                format!("{}: {code}", choose(language, "✗ cancelled", "✗ 취소됨"))
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

/// The title of the picture of this mode.
pub(super) fn title(mode: Mode) -> Label {
    match mode {
        Mode::Monolith => Label::OneTransaction,
        Mode::Split | Mode::Hybrid => Label::SpaceTime,
    }
}

#[cfg(test)]
mod tests {
    use terminal::language::has_hangul;

    use super::*;

    #[test]
    fn every_label_is_in_both_languages() {
        let labels = Label::ALL.map(|label| (label.says(Language::English), label.says(Language::Korean)));
        let kinds = What::ALL.map(|what| (what.says(Language::English), what.says(Language::Korean)));
        for (english, korean) in labels.into_iter().chain(kinds) {
            assert!(!english.is_empty() && !has_hangul(english), "{english}");
            assert!(has_hangul(korean), "{english} has no Korean word: {korean}");
        }
        let signs: std::collections::BTreeSet<_> = What::ALL.map(What::sign).into();
        assert_eq!(signs.len(), What::ALL.len(), "two kinds look the same");
    }
}
