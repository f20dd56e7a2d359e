//! Usage errors in Korean. English is clap's own.

use std::error::Error as _;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::help::usage_in_korean;

/// The whole message; `None` for results that are not usage errors, such as help, or that have no text here.
pub(super) fn in_korean(error: &Error) -> Option<String> {
    let mut message = format!("오류: {}", sentence(error)?);
    for kind in [ContextKind::ValidValue, ContextKind::ValidSubcommand] {
        if let Some(values) = list(error, kind) {
            message += &format!("\n  [가능한 값: {}]", values.join(", "));
        }
    }
    for kind in [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        if let Some(similar) = list(error, kind).filter(|similar| !similar.is_empty()) {
            message += &format!("\n\n  비슷한 것: {}", similar.join(", "));
        }
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        message += &format!("\n\n사용법: {}", usage_in_korean(&usage.to_string()));
    }
    Some(message + "\n\n자세한 내용은 '--help'를 보세요.\n")
}

/// Replaces clap's sentence.
fn sentence(error: &Error) -> Option<String> {
    let argument = list(error, ContextKind::InvalidArg).map(|names| names.join(", "));
    let value = list(error, ContextKind::InvalidValue).map(|values| values.join(", "));
    Some(match error.kind() {
        ErrorKind::InvalidValue if value.as_ref().is_none_or(String::is_empty) => {
            format!("'{}'에 값이 필요합니다", argument?)
        }
        ErrorKind::InvalidValue => format!("'{}'에 '{}' 값을 쓸 수 없습니다", argument?, value?),
        ErrorKind::ValueValidation => {
            let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
            format!("'{}'에 '{}' 값을 쓸 수 없습니다{why}", argument?, value?)
        }
        ErrorKind::UnknownArgument => format!("'{}'은(는) 알 수 없는 인자입니다", argument?),
        ErrorKind::InvalidSubcommand => {
            format!("'{}' 명령은 없습니다", list(error, ContextKind::InvalidSubcommand)?.join(" "))
        }
        ErrorKind::MissingSubcommand => {
            format!("'{}'에 하위 명령이 필요합니다", list(error, ContextKind::InvalidSubcommand)?.join(" "))
        }
        ErrorKind::MissingRequiredArgument => format!("필요한 인자가 없습니다: {}", argument?),
        ErrorKind::TooManyValues => format!("'{}'에 값이 너무 많습니다: '{}'", argument?, value?),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("'{}'에 쓴 값의 개수가 맞지 않습니다", argument?)
        }
        ErrorKind::ArgumentConflict => match list(error, ContextKind::PriorArg) {
            Some(prior) if prior.first() == argument.as_ref() => {
                format!("'{}'은(는) 한 번만 쓸 수 있습니다", argument?)
            }
            Some(prior) => format!("'{}'은(는) '{}'와(과) 함께 쓸 수 없습니다", argument?, prior.join(", ")),
            None => format!("'{}'은(는) 여기에 쓸 수 없습니다", argument?),
        },
        ErrorKind::InvalidUtf8 => "UTF-8이 아닌 글자가 있습니다".to_owned(),
        _ => return None,
    })
}

fn list(error: &Error, kind: ContextKind) -> Option<Vec<String>> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(vec![text.clone()]),
        ContextValue::Strings(texts) => Some(texts.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use terminal::language::{self, Language};

    use super::super::help;
    use super::*;

    #[test]
    fn every_kind_of_usage_error_is_told_in_korean() {
        for (line, says) in [
            ("frobnicate", "'frobnicate' 명령은 없습니다"),
            ("statsu", "비슷한 것: status"),
            ("compare --clinets 5", "알 수 없는 인자"),
            ("compare --rate", "값이 필요합니다"),
            ("compare --rate fast", "초당 주문 수를 쓰세요"),
            ("compare --telemetry maybe", "가능한 값: on, off"),
            ("compare --saturate --rate 5", "함께 쓸 수 없습니다"),
            ("compare --rate 5 --rate 6", "한 번만 쓸 수 있습니다"),
            ("scale", "필요한 인자가 없습니다"),
            ("up monolith split", "split"),
        ] {
            language::with(Language::Korean, || {
                let words = format!("cleave {line}");
                let error = help::command().try_get_matches_from(words.split(' ')).unwrap_err();
                let told = in_korean(&error).unwrap_or_else(|| panic!("{line}: {error}"));
                assert!(told.contains(says), "{line}: {told}");
                assert!(!told.contains("Usage") && !told.contains("error"), "{line}: {told}");
            });
        }
    }
}
