//! The language that people read: English or Korean. JSON, logs of the shop and exit statuses do not depend on it.

use std::str::FromStr;
use std::sync::OnceLock;

static CURRENT: OnceLock<Language> = OnceLock::new();

/// A language that Cleave speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    English,
    Korean,
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Language, String> {
        match text {
            "en" => Ok(Language::English),
            "ko" => Ok(Language::Korean),
            _ => Err(format!("{text} is not a language of Cleave; use en or ko")),
        }
    }
}

/// Sets the language of this process. Without effect once a text has been made.
pub fn set(language: Language) {
    let _ = CURRENT.set(language);
}

/// The language of this process: what was set, or what the locale says.
pub fn current() -> Language {
    *CURRENT.get_or_init(|| of_locale(|name| std::env::var(name).ok()))
}

/// POSIX order: the first of these variables that is not empty decides.
fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Language {
    let locale =
        ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|text| !text.is_empty());
    match locale {
        Some(locale) if locale.starts_with("ko") => Language::Korean,
        _ => Language::English,
    }
}

/// Whether a text has a letter of the Korean alphabet.
pub fn has_hangul(text: &str) -> bool {
    text.chars().any(|letter| ('가'..='힣').contains(&letter))
}

/// A crate's table of words: a function for each, which returns it in the current language. Arguments are named in the
/// braces of both texts, so the compiler refuses a word that lacks a language or an argument.
///
/// ```
/// terminal::words! {
///     ready(shop, seconds) { "{shop} is ready after {seconds} s" "{shop} 준비 완료({seconds}초)" }
/// }
/// assert!(ready("split", 3).contains("split"));
/// ```
#[macro_export]
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident($($argument:ident),* $(,)?) { $english:literal $korean:literal })*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name($($argument: impl ::std::fmt::Display),*) -> String {
                match $crate::language::current() {
                    $crate::language::Language::English => format!($english),
                    $crate::language::Language::Korean => format!($korean),
                }
            }
        )*

        /// Each word's name with its English and its Korean text, for the test that neither is missing.
        #[cfg(test)]
        pub const TEXTS: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $korean)),*];

        #[cfg(test)]
        #[test]
        fn no_word_is_missing_in_either_language() {
            for (name, english, korean) in TEXTS {
                assert!(!english.is_empty() && !$crate::language::has_hangul(english), "{name}: {english}");
                assert!($crate::language::has_hangul(korean), "{name}: {korean}");
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::words! {
        ready(shop) { "{shop} is ready" "{shop} 준비 완료" }
    }

    #[test]
    fn the_first_variable_that_is_not_empty_decides() {
        let with = |pairs: &[(&str, &str)]| {
            of_locale(|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(with(&[]), Language::English);
        assert_eq!(with(&[("LANG", "ko_KR.UTF-8")]), Language::Korean);
        assert_eq!(with(&[("LC_ALL", ""), ("LANG", "ko")]), Language::Korean);
        assert_eq!(with(&[("LC_ALL", "C"), ("LANG", "ko_KR")]), Language::English);
        assert_eq!(with(&[("LC_MESSAGES", "de_DE"), ("LANG", "ko_KR")]), Language::English);
    }

    #[test]
    fn a_word_takes_its_arguments() {
        set(Language::Korean);
        assert_eq!(ready("split"), "split 준비 완료");
    }
}
