//! A text stored in a record: in both languages while the program runs, in English in JSON.
//!
//! Programs and other machines read the records, so their content does not depend on the user's language. Only what
//! is shown does.

use std::fmt::{Display, Formatter};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::language::{Language, current, with};

/// A text in both languages. It is shown in the current one and written to JSON in English. A text read from JSON is
/// English in both.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Text {
    english: String,
    korean: String,
}

impl Text {
    /// Builds the text from `words`, called once per language.
    pub fn of(words: impl Fn() -> String) -> Text {
        Text::new(&words, &words)
    }

    /// Builds the text from one closure per language. Words and texts used inside are in that language too.
    pub fn new(english: impl FnOnce() -> String, korean: impl FnOnce() -> String) -> Text {
        Text { english: with(Language::English, english), korean: with(Language::Korean, korean) }
    }

    /// Joins several texts with a separator.
    pub fn join(texts: &[Text], separator: &str) -> Text {
        let joined = |of: fn(&Text) -> &str| texts.iter().map(of).collect::<Vec<_>>().join(separator);
        Text { english: joined(|text| &text.english), korean: joined(|text| &text.korean) }
    }

    /// The English text.
    #[must_use]
    pub fn english(&self) -> &str {
        &self.english
    }

    /// The text in the current language.
    #[must_use]
    pub fn shown(&self) -> &str {
        match current() {
            Language::English => &self.english,
            Language::Korean => &self.korean,
        }
    }
}

impl Display for Text {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.pad(self.shown())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Text {
        Text::from(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Text {
        Text { korean: text.clone(), english: text }
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.english.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        String::deserialize(deserializer).map(Text::from)
    }
}

/// A crate's table of texts for records: like [`words!`](crate::words), but each function returns a [`Text`].
///
/// ```
/// terminal::texts! {
///     decided(orders) { "{orders} orders decided" "주문 {orders}건이 결정됨" }
/// }
/// assert_eq!(serde_json::to_string(&decided(3)).unwrap(), "\"3 orders decided\"");
/// ```
#[macro_export]
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident($($argument:ident),* $(,)?) { $english:literal $korean:literal })*) => {
        $(
            $(#[$doc])*
            #[must_use]
            pub fn $name($($argument: impl ::std::fmt::Display),*) -> $crate::text::Text {
                $crate::text::Text::new(|| format!($english), || format!($korean))
            }
        )*

        #[cfg(test)]
        #[test]
        fn no_text_is_missing_in_either_language() {
            for (name, english, korean) in [$((stringify!($name), $english, $korean)),*] {
                assert!(!english.is_empty() && !$crate::language::has_hangul(english), "{name}: {english}");
                assert!($crate::language::has_hangul(korean), "{name}: {korean}");
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::texts! {
        paid(sum) { "{sum} paid" "{sum}원 결제됨" }
        order(what) { "the order: {what}" "주문: {what}" }
    }

    #[test]
    fn a_text_in_a_text_is_in_its_language() {
        let text = order(paid(5));
        assert_eq!((text.english.as_str(), text.korean.as_str()), ("the order: 5 paid", "주문: 5원 결제됨"));
        let both = Text::join(&[paid(1), paid(2)], ", ");
        assert_eq!((both.english(), both.korean.as_str()), ("1 paid, 2 paid", "1원 결제됨, 2원 결제됨"));
    }

    #[test]
    fn json_is_english() {
        let json = serde_json::to_string(&paid(5)).unwrap();
        assert_eq!(json, "\"5 paid\"");
        let read: Text = serde_json::from_str(&json).unwrap();
        assert_eq!((read.english, read.korean), ("5 paid".to_owned(), "5 paid".to_owned()));
    }
}
