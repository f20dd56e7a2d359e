//! The help in the user's language. The English texts are the doc comments of the commands. Here they are translated,
//! together with clap's own texts.

use clap::builder::StyledStr;
use clap::{Arg, Command, CommandFactory};
use terminal::CLEAVE;
use terminal::language::{self, Language};

use super::Cli;
use super::examples::with_examples;
use super::korean::KOREAN;

/// The command line, with help in the current language.
pub(super) fn command() -> Command {
    let mut command = Cli::command().bin_name(terminal::program());
    // Adds clap's own options to each command, so that they are translated too.
    command.build();
    finished(command, "")
}

fn finished(command: Command, path: &str) -> Command {
    let command = if language::current() == Language::Korean { in_korean(command, path) } else { command };
    let command = with_examples(pasteable(command), path);
    // The subcommands of `help` are the same as those next to it.
    if command.get_name() == "help" {
        return command;
    }
    command.mut_subcommands(|below| {
        let path = below_path(path, &below);
        finished(below, &path)
    })
}

/// Names the program in these texts as the user starts it.
fn pasteable(command: Command) -> Command {
    let started = |text: &StyledStr| text.to_string().replace("`cleave ", &format!("`{CLEAVE} "));
    let command = match command.get_about().map(started) {
        Some(text) => command.about(text),
        None => command,
    };
    command.mut_args(|argument| match argument.get_help().map(started) {
        Some(text) => argument.help(text),
        None => argument,
    })
}

fn below_path(path: &str, command: &Command) -> String {
    format!("{path} {}", command.get_name()).trim_start().to_owned()
}

fn in_korean(mut command: Command, path: &str) -> Command {
    let usage = usage_in_korean(&command.render_usage().to_string());
    let heading = *command.get_styles().get_usage();
    let template = format!(
        "{{about-with-newline}}\n{heading}사용법:{heading:#} {{usage}}\n\n{{all-args}}{{after-help}}"
    );
    command = command
        .help_template(template)
        .override_usage(usage)
        .subcommand_help_heading("명령")
        .mut_args(|argument| argument_in_korean(argument, path));
    // A hidden command has no text.
    if let Some(text) = text(&name_of_help(path)) {
        command = command.about(text).long_about(None);
    }
    match text(format!("{path} [after]").trim_start()) {
        Some(text) => command.after_help(text),
        None => command,
    }
}

/// `help` has the same text below every command.
fn name_of_help(path: &str) -> String {
    if path.ends_with(" help") { "help".to_owned() } else { path.to_owned() }
}

/// The usage line without its heading: `Usage: cleave up [OPTIONS] [MODES]`.
pub(super) fn usage_in_korean(usage: &str) -> String {
    usage
        .trim_start_matches("Usage: ")
        .replace("\n       ", "\n        ")
        .replace("[OPTIONS]", "[옵션]")
        .replace("[COMMAND]", "[명령]")
        .replace("<COMMAND>", "<명령>")
}

fn argument_in_korean(argument: Arg, path: &str) -> Arg {
    let Some(text) = text_of(&argument, path) else { return argument };
    let mut help = text.to_owned();
    if argument.get_action().takes_values() {
        let values = argument.get_possible_values();
        let values: Vec<&str> = values.iter().map(|value| value.get_name()).collect();
        if !values.is_empty() && !argument.is_hide_possible_values_set() {
            help += &format!(" [가능한 값: {}]", values.join(", "));
        }
        let defaults: Vec<_> = argument.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
        if !defaults.is_empty() && !argument.is_hide_default_value_set() {
            help += &format!(" [기본값: {}]", defaults.join(" "));
        }
    }
    let heading = if argument.is_positional() { "인자" } else { "옵션" };
    argument
        .help(help)
        .long_help(None)
        .help_heading(heading)
        .hide_default_value(true)
        .hide_possible_values(true)
}

/// The key of an option or argument in the table.
fn key_of(argument: &Arg) -> String {
    match argument.get_long() {
        Some(long) => format!("--{long}"),
        None => format!("<{}>", argument.get_id()),
    }
}

fn text_of(argument: &Arg, path: &str) -> Option<&'static str> {
    let key = key_of(argument);
    text(format!("{path} {key}").trim_start()).or_else(|| text(&format!("* {key}")))
}

fn text(key: &str) -> Option<&'static str> {
    KOREAN.iter().find(|(known, _)| *known == key).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::super::examples::EXAMPLES;
    use super::*;

    /// Visits every visible command with its path.
    fn walk(command: &Command, path: &str, visit: &mut impl FnMut(&Command, &str)) {
        visit(command, path);
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            if below.get_name() != "help" {
                walk(below, &below_path(path, below), visit);
            }
        }
    }

    fn built() -> Command {
        let mut command = Cli::command();
        command.build();
        command
    }

    #[test]
    fn every_text_of_help_is_there_in_korean_and_none_is_too_many() {
        let (mut used, mut missing) = (BTreeSet::from(["help".to_owned()]), Vec::new());
        let mut check = |key: String, others: &[String]| {
            let found =
                [std::slice::from_ref(&key), others].concat().into_iter().find(|key| text(key).is_some());
            match found {
                Some(found) => {
                    used.insert(found);
                }
                None => missing.push(key),
            }
        };
        walk(&built(), "", &mut |command, path| {
            check(path.to_owned(), &[]);
            if command.get_after_help().is_some() {
                check(format!("{path} [after]").trim_start().to_owned(), &[]);
            }
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let key = key_of(argument);
                check(format!("{path} {key}").trim_start().to_owned(), &[format!("* {key}")]);
            }
        });
        assert!(missing.is_empty(), "no Korean text: {missing:#?}");
        let unused: Vec<&str> =
            KOREAN.iter().map(|(key, _)| *key).filter(|key| !used.contains(*key)).collect();
        assert!(unused.is_empty(), "a Korean text without a counterpart: {unused:#?}");
        let keys: BTreeSet<&str> = KOREAN.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys.len(), KOREAN.len(), "a key stands there twice");
        for (key, text) in KOREAN {
            assert!(language::has_hangul(text), "{key}: {text}");
        }
    }

    #[test]
    fn help_in_korean_has_none_of_claps_english() {
        let command = language::with(Language::Korean, command);
        walk(&command, "", &mut |command, path| {
            let help = command.clone().render_long_help().to_string();
            for english in [
                "Usage:",
                "Options:",
                "Arguments:",
                "Commands:",
                "[default",
                "[possible",
                "Print ",
                "[OPTIONS]",
                "COMMAND",
                "Examples",
            ] {
                assert!(!help.contains(english), "{path}: {english} in\n{help}");
            }
        });
    }

    #[test]
    fn help_in_english_has_no_korean() {
        let command = language::with(Language::English, command);
        walk(&command, "", &mut |command, path| {
            let help = command.clone().render_long_help().to_string();
            assert!(!language::has_hangul(&help), "{path}:\n{help}");
        });
    }

    #[test]
    fn examples_are_read_and_stand_in_the_help_of_their_command() {
        let mut commands = BTreeSet::new();
        walk(&built(), "", &mut |_, path| {
            commands.insert(path.to_owned());
        });
        for (path, examples) in EXAMPLES {
            assert!(commands.contains(*path), "there is no command {path}");
            for (line, english, korean) in *examples {
                assert!(line.starts_with(path), "{line} is no example of {path}");
                assert!(!language::has_hangul(english) && language::has_hangul(korean), "{line}");
                let parsed = built().try_get_matches_from(format!("cleave {line}").split(' '));
                assert!(parsed.is_ok(), "{line}: {}", parsed.unwrap_err());
                for file in line.split(' ').filter(|word| word.starts_with("docs/")) {
                    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
                    assert!(checkout.join(file).is_file(), "{file} in {line} is missing");
                }
            }
        }
    }
}
