//! The command line in the user's language. The English texts are the doc comments of [`Arguments`] and clap's own.

use std::error::Error as _;
use std::ffi::OsString;

use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, Command, CommandFactory, Error, FromArgMatches};
use terminal::language::{self, Language};

use crate::arguments::Arguments;

/// The texts of the help in Korean, by the name of the argument or value. A test compares them with the command line.
const KOREAN: &[(&str, &str)] = &[
    ("", "프로토콜 모델을 검사합니다. 정해진 범위 안에서 단계의 가능한 모든 순서를 봅니다"),
    ("name", "프로토콜"),
    ("two-phase", "PostgreSQL이 하는 방식의 2단계 커밋"),
    ("saga", "오케스트레이션 사가"),
    ("flaw", "규칙 하나를 빼고, 그 규칙이 막는 일이 일어나기까지의 가장 짧은 경로를 봅니다"),
    ("decision-not-durable", "규칙 30(decision), 2단계 커밋: 커밋 결정을 메모리에만 둡니다"),
    ("no-recovery", "규칙 31(recovery), 2단계 커밋: 미확정 트랜잭션을 복구하지 않습니다"),
    (
        "recovery-ignores-epoch",
        "규칙 31(recovery), 2단계 커밋: 준비된 트랜잭션을 모두 죽은 프로세스의 것으로 여겨 복구합니다",
    ),
    (
        "unfenced-decision",
        "규칙 60(abort record), 2단계 커밋: 권한을 넘겨준 코디네이터도 커밋을 기록합니다. 쇼핑몰에는 이 결함이 없습니다",
    ),
    (
        "no-inbox",
        "규칙 12(inbox), 사가: 처리한 메시지도, 실행한 단계도(규칙 20, once per order) 기억하지 않습니다",
    ),
    ("no-tombstone", "규칙 19(tombstone), 사가: 되돌릴 것이 없는 보상 트랜잭션은 아무것도 남기지 않습니다"),
    (
        "no-version-guard",
        "규칙 21(compare-and-set), 사가: 그사이 다른 인스턴스가 바꾼 내용을 덮어쓰며 저장합니다",
    ),
    (
        "fickle-pivot",
        "규칙 25(pivot), 사가: 되돌릴 수 없는 피벗이 한 번은 거절하고 다음에는 받아들입니다. 쇼핑몰의 피벗은 주문만 보고 \
         답하므로, 쇼핑몰에는 이 결함이 없습니다",
    ),
    (
        "explore",
        "stateright의 탐색기를 이 루프백 주소에서, Ctrl-C를 누를 때까지 엽니다. 기본값은 127.0.0.1의 빈 포트입니다",
    ),
    ("json", "결과를 이 파일에 JSON으로 씁니다. -는 표준 출력입니다"),
    ("help", "도움말을 보여 줍니다"),
    ("version", "버전을 보여 줍니다"),
];

fn text(name: &str) -> Option<&'static str> {
    KOREAN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Reads the command line. The result may also be a request for help.
pub(super) fn read(arguments: impl Iterator<Item = OsString>) -> Result<Arguments, Error> {
    let mut command = command();
    let matches = command.try_get_matches_from_mut(arguments);
    matches
        .and_then(|matches| Arguments::from_arg_matches(&matches))
        .map_err(|error| error.format(&mut command))
}

fn command() -> Command {
    let mut command = Arguments::command();
    // Adds clap's own options, so that they are translated too.
    command.build();
    if language::current() == Language::Korean { in_korean(command) } else { command }
}

fn in_korean(mut command: Command) -> Command {
    let usage = usage_in_korean(&command.render_usage().to_string());
    let heading = *command.get_styles().get_usage();
    let template = format!(
        "{{about-with-newline}}\n{heading}사용법:{heading:#} {{usage}}\n\n{{all-args}}{{after-help}}"
    );
    command
        .help_template(template)
        .override_usage(usage)
        .about(text("").unwrap_or_default())
        .mut_args(argument_in_korean)
}

fn usage_in_korean(usage: &str) -> String {
    usage.trim_start_matches("Usage: ").replace("[OPTIONS]", "[옵션]")
}

fn argument_in_korean(argument: Arg) -> Arg {
    let Some(about) = text(argument.get_id().as_str()) else { return argument };
    let (mut short, mut long) = (about.to_owned(), about.to_owned());
    let values = argument.get_possible_values();
    if argument.get_action().takes_values() && !values.is_empty() {
        let names: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        short += &format!(" [가능한 값: {}]", names.join(", "));
        long += "\n\n가능한 값:";
        for name in names {
            long += &format!("\n- {name}: {}", text(name).unwrap_or_default());
        }
    }
    let heading = if argument.is_positional() { "인자" } else { "옵션" };
    argument.help(short).long_help(long).help_heading(heading).hide_possible_values(true)
}

/// A usage error in the user's language, if that is not clap's; `None` also for errors that have no text here.
pub(super) fn usage_error(error: &Error) -> Option<String> {
    if language::current() == Language::English {
        return None;
    }
    let context = |kind| error.get(kind).map(ToString::to_string);
    let argument = context(ContextKind::InvalidArg)?;
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    let mut message = match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("'{argument}'에 값이 필요합니다"),
        ErrorKind::InvalidValue => format!("'{argument}'에 '{value}' 값을 쓸 수 없습니다"),
        ErrorKind::ValueValidation => {
            let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
            format!("'{argument}'에 '{value}' 값을 쓸 수 없습니다{why}")
        }
        ErrorKind::UnknownArgument => format!("'{argument}'은(는) 알 수 없는 인자입니다"),
        ErrorKind::MissingRequiredArgument => format!("필요한 인자가 없습니다: {argument}"),
        ErrorKind::ArgumentConflict => {
            let prior = context(ContextKind::PriorArg)?;
            format!("'{argument}'은(는) '{prior}'와(과) 함께 쓸 수 없습니다")
        }
        _ => return None,
    };
    if let Some(values) = context(ContextKind::ValidValue) {
        message += &format!("\n  [가능한 값: {values}]");
    }
    Some(format!("오류: {message}\n\n자세한 내용은 '--help'를 보세요."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_of_help_is_there_in_korean_and_none_is_too_many() {
        let mut command = Arguments::command();
        command.build();
        let mut names = vec![String::new()];
        for argument in command.get_arguments() {
            names.push(argument.get_id().to_string());
            if argument.get_action().takes_values() {
                names.extend(argument.get_possible_values().iter().map(|value| value.get_name().to_owned()));
            }
        }
        for name in &names {
            assert!(text(name).is_some_and(language::has_hangul), "no Korean text for {name}");
        }
        assert_eq!(KOREAN.len(), names.len(), "a Korean text without a counterpart");
    }

    #[test]
    fn help_is_in_one_language() {
        let help = |language| language::with(language, || command().render_long_help().to_string());
        assert!(!language::has_hangul(&help(Language::English)));
        let korean = help(Language::Korean);
        for english in ["Usage:", "Options:", "Arguments:", "Possible", "Print ", "[OPTIONS]"] {
            assert!(!korean.contains(english), "{english} in\n{korean}");
        }
    }

    #[test]
    fn usage_errors_are_told_in_korean() {
        for (line, says) in [
            ("", "필요한 인자가 없습니다"),
            ("raft", "가능한 값: two-phase, saga"),
            ("saga --flow", "알 수 없는 인자"),
            ("saga --explore 0.0.0.0:3000", "127.0.0.1"),
            ("saga --explore --json", "함께 쓸 수 없습니다"),
        ] {
            language::with(Language::Korean, || {
                let line = format!("cleave-models {line}");
                let error = read(line.split_whitespace().map(OsString::from)).unwrap_err();
                let told = usage_error(&error).unwrap_or_else(|| panic!("{line}: {error}"));
                assert!(told.contains(says) && !told.contains("error"), "{line}: {told}");
            });
        }
    }
}
