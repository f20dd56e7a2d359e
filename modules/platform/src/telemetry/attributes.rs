//! A span's name, kind and attributes.

use std::borrow::Cow;

use uuid::Uuid;

/// The maximum length of a text attribute, in bytes. Texts from outside can have any length.
const LONGEST_TEXT: usize = 200;

/// The attributes of database operations.
pub const DATABASE: Fixed = &[("db.system.name", "postgresql")];

/// Attributes that many spans share.
pub type Fixed = &'static [(&'static str, &'static str)];

/// The role of a span (OpenTelemetry, *SpanKind*).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are OpenTelemetry's own")]
pub enum Kind {
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

impl Kind {
    /// The word in `/telemetry/spans`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Kind::Internal => "internal",
            Kind::Server => "server",
            Kind::Client => "client",
            Kind::Producer => "producer",
            Kind::Consumer => "consumer",
        }
    }
}

/// A span's name: an operation and its object. Formatted only when it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    what: &'static str,
    to: Cow<'static, str>,
}

impl From<&'static str> for Name {
    fn from(what: &'static str) -> Self {
        Self { what, to: Cow::Borrowed("") }
    }
}

impl<T: Into<Cow<'static, str>>> From<(&'static str, T)> for Name {
    fn from((what, to): (&'static str, T)) -> Self {
        Self { what, to: to.into() }
    }
}

impl Name {
    /// Heap memory in bytes, in addition to the value itself.
    pub(super) fn size(&self) -> usize {
        if let Cow::Owned(text) = &self.to { text.capacity() } else { 0 }
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.to.as_ref() {
            "" => f.write_str(self.what),
            to => write!(f, "{} {to}", self.what),
        }
    }
}

/// An attribute's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text, cut if it is very long.
    Text(Cow<'static, str>),
    /// A count, a code or a duration; the key ends with the unit.
    Number(i64),
    /// Shown as `true` or `false`.
    Flag(bool),
    /// An id. Formatted only when it is read.
    Id(Uuid),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(mut text: String) -> Self {
        if text.len() > LONGEST_TEXT {
            text.truncate((0..=LONGEST_TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
            text.push('…');
            text.shrink_to_fit();
        }
        Value::Text(Cow::Owned(text))
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Flag(flag)
    }
}

impl From<Uuid> for Value {
    fn from(id: Uuid) -> Self {
        Value::Id(id)
    }
}

impl Value {
    /// Heap memory in bytes, in addition to the value itself.
    pub(super) fn size(&self) -> usize {
        match self {
            Value::Text(Cow::Owned(text)) => text.capacity(),
            Value::Text(Cow::Borrowed(_)) | Value::Number(_) | Value::Flag(_) | Value::Id(_) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let Value::Text(text) = Value::from("한".repeat(1000)) else { panic!("a text") };
        assert!(text.len() <= LONGEST_TEXT + 3 && text.ends_with("한…"), "{text}");
    }
}
