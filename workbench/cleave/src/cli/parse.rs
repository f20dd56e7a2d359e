//! Parses the command line, with errors in the user's language.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches;

use super::{Cli, HELD, USAGE, help, usage_errors};
use terminal::language::{self, Language};
use terminal::say;

/// Parses these arguments, and sets the language of this process.
pub(super) fn arguments(arguments: impl Iterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let (language, rest) = without_language(arguments);
    if let Some(language) = language {
        language::set(language);
    }
    let mut command = help::command();
    let parsed = command.try_get_matches_from_mut(rest);
    parsed.and_then(|matches| Cli::from_arg_matches(&matches)).map_err(|error| error.format(&mut command))
}

/// Removes `--lang` from the arguments, at any position: the language is needed before the rest is parsed, and `cleave
/// model` and `cleave fault add` parse the rest themselves. An unknown language stays, and is refused like any other
/// bad value.
fn without_language(arguments: impl Iterator<Item = OsString>) -> (Option<Language>, Vec<OsString>) {
    let (mut language, mut rest) = (None, Vec::new());
    let mut arguments = arguments.peekable();
    while let Some(argument) = arguments.next() {
        let known = |word: &OsString| word.to_str().and_then(|word| word.parse().ok());
        let told = match argument.to_str() {
            Some("--lang") => arguments.peek().and_then(known).inspect(|_| drop(arguments.next())),
            Some(word) => word.strip_prefix("--lang=").and_then(|word| word.parse().ok()),
            None => None,
        };
        match told {
            Some(told) => language = Some(told),
            None => rest.push(argument),
        }
    }
    (language, rest)
}

/// Prints the requested help, or the error in the command line.
pub(super) fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        say::remember(error.print());
        return say::ended(HELD);
    }
    let korean = (language::current() == Language::Korean).then(|| usage_errors::in_korean(error)).flatten();
    match korean {
        Some(text) => terminal::note!("{}", text.trim_end()),
        // If standard error cannot be written, there is no other place for the message.
        None => drop(error.print()),
    }
    say::ended(USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_taken_off_wherever_it_stands() {
        let read = |line: &str| {
            let (language, rest) = without_language(line.split(' ').map(OsString::from));
            (language, rest.join(" ".as_ref()).into_string().unwrap())
        };
        assert_eq!(read("cleave status"), (None, "cleave status".into()));
        assert_eq!(read("cleave --lang ko status"), (Some(Language::Korean), "cleave status".into()));
        assert_eq!(
            read("cleave model saga --lang=en"),
            (Some(Language::English), "cleave model saga".into())
        );
        assert_eq!(read("cleave --lang fr status"), (None, "cleave --lang fr status".into()));
        assert_eq!(read("cleave --lang"), (None, "cleave --lang".into()));
    }
}
