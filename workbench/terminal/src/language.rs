//! The language of texts for people: English or Korean. JSON, the shop's logs and exit statuses do not depend on it.

use std::cell::Cell;
use std::str::FromStr;
use std::time::Duration;

use parking_lot::Mutex;

static CURRENT: Mutex<Option<Language>> = Mutex::new(None);

thread_local! {
    /// Set by [`with`] while it builds a text.
    static CHOSEN: Cell<Option<Language>> = const { Cell::new(None) };
}

/// A language of Cleave's texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// `en`.
    English,
    /// `ko`.
    Korean,
}

impl Language {
    /// Its code, as [`FromStr`] reads it.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Korean => "ko",
        }
    }
}

impl FromStr for Language {
    type Err = String;

    fn from_str(text: &str) -> Result<Language, String> {
        match text {
            "en" => Ok(Language::English),
            "ko" => Ok(Language::Korean),
            _ => Err(format!("unknown language {text}; use en or ko")),
        }
    }
}

/// Sets the language of this process.
pub fn set(language: Language) {
    *CURRENT.lock() = Some(language);
}

/// The language of this process: as set, or else by the locale.
pub fn current() -> Language {
    CHOSEN.get().unwrap_or_else(|| {
        let mut current = CURRENT.lock();
        *current.get_or_insert_with(|| of_locale(|name| std::env::var(name).ok()))
    })
}

/// Builds a text in this language, independently of the language of the process.
pub fn with<T>(language: Language, make: impl FnOnce() -> T) -> T {
    let before = CHOSEN.replace(Some(language));
    let made = make();
    CHOSEN.set(before);
    made
}

/// The environment variable that passes this process's language on to the programs that it starts.
pub fn passed_on() -> (&'static str, &'static str) {
    let locale = match current() {
        Language::English => "C.UTF-8",
        Language::Korean => "ko_KR.UTF-8",
    };
    ("LC_ALL", locale)
}

/// By POSIX order, the first of these variables that is not empty decides.
fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Language {
    let locale =
        ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable).find(|text| !text.is_empty());
    match locale {
        Some(locale) if locale.starts_with("ko") => Language::Korean,
        _ => Language::English,
    }
}

/// A duration as part of a sentence.
pub fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match current() {
        Language::English => format!("{seconds} s"),
        Language::Korean => format!("{seconds}초"),
    }
}

/// Whether a text contains Hangul.
pub fn has_hangul(text: &str) -> bool {
    text.chars().any(is_hangul)
}

fn is_hangul(letter: char) -> bool {
    ('가'..='힣').contains(&letter)
}

/// A text followed by spaces up to this many columns of a terminal, where a Hangul syllable takes two.
pub fn padded(text: &str, columns: usize) -> String {
    let taken: usize = text.chars().map(|letter| if is_hangul(letter) { 2 } else { 1 }).sum();
    text.to_owned() + &" ".repeat(columns.saturating_sub(taken))
}

/// A crate's table of words. Defines one function per word, which returns the text in the current language. The
/// arguments are named in the braces of both texts, so the compiler refuses a word without both languages or with a
/// missing argument. `{CLEAVE}` is the program as the user starts it.
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
        #[allow(unused_imports, reason = "for texts that tell the user to type a command")]
        use $crate::CLEAVE;

        $(
            $(#[$doc])*
            #[must_use]
            #[allow(clippy::too_many_arguments, reason = "one for each placeholder of the text")]
            pub fn $name($($argument: impl ::std::fmt::Display),*) -> String {
                match $crate::language::current() {
                    $crate::language::Language::English => format!($english),
                    $crate::language::Language::Korean => format!($korean),
                }
            }
        )*

        /// Each word's name with its English and its Korean text, for the test that no text is missing.
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
    fn a_text_is_padded_to_columns() {
        assert_eq!(padded("held", 6), "held  ");
        assert_eq!(padded("깨짐", 6), "깨짐  ");
        assert_eq!(padded("지켜짐", 5), "지켜짐");
    }

    #[test]
    fn a_word_takes_its_arguments_in_the_language_that_was_chosen() {
        let both = || [ready("split"), with(Language::Korean, || ready("split")), ready("split")];
        let english = "split is ready";
        assert_eq!(with(Language::English, both), [english, "split 준비 완료", english]);
    }

    #[test]
    fn what_is_passed_on_is_understood() {
        for language in [Language::English, Language::Korean] {
            let (name, value) = with(language, passed_on);
            assert_eq!(of_locale(|asked| (asked == name).then(|| value.to_owned())), language);
            assert_eq!(language.code().parse(), Ok(language));
        }
    }
}
