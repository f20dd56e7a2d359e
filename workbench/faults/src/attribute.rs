//! The attributes of faults: named values with a unit and bounds.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::{Map, Value};

use crate::words;

/// The longest duration in any attribute: one hour.
const HOUR_MS: i64 = 3_600_000;

/// The unit of a value. A plain number is in this unit; a string may name another unit of the same kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// `200`, `"200ms"`, `"1.5s"`, `"2m"`.
    Milliseconds,
    /// `50`, `"50us"`, `"1ms"`.
    Microseconds,
    /// 1,000 bytes per second.
    KilobytesPerSecond,
    /// Bytes.
    Bytes,
    /// A count.
    Count,
    /// A name, not a number.
    Word,
}

/// An attribute of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// As in commands and scenarios, such as `jitter`.
    pub name: &'static str,
    /// The unit of a plain number, and of the limits below.
    pub unit: Unit,
    /// The smallest allowed value, in its unit.
    pub least: i64,
    /// The largest allowed value, in its unit.
    pub most: i64,
    /// The default value; `None` if the attribute is required.
    pub default: Option<i64>,
}

impl Attribute {
    /// A duration in milliseconds of up to an hour, 0 by default.
    pub(super) const fn milliseconds(name: &'static str) -> Attribute {
        Attribute { name, unit: Unit::Milliseconds, least: 0, most: HOUR_MS, default: Some(0) }
    }

    /// A required number.
    pub(super) const fn needed(name: &'static str, unit: Unit, least: i64, most: i64) -> Attribute {
        Attribute { name, unit, least, most, default: None }
    }

    /// An optional number.
    pub(super) const fn or(name: &'static str, unit: Unit, least: i64, most: i64, default: i64) -> Attribute {
        Attribute { name, unit, least, most, default: Some(default) }
    }

    /// A required name.
    pub(super) const fn word(name: &'static str) -> Attribute {
        Attribute { name, unit: Unit::Word, least: 0, most: 0, default: None }
    }

    /// An optional name.
    pub(super) const fn word_or_nothing(name: &'static str) -> Attribute {
        Attribute { default: Some(0), ..Attribute::word(name) }
    }

    /// Converts a value to the attribute's unit, and checks its bounds.
    fn read(&self, value: &Value) -> Result<Value> {
        if self.unit == Unit::Word {
            let word = value.as_str().with_context(|| words::must_be_a_name(self.name, value))?;
            ensure!(!word.is_empty(), words::is_empty(self.name));
            return Ok(value.clone());
        }
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => self.unit.read(text),
            _ => None,
        };
        let number = number.with_context(|| words::must_be(self.name, self.unit.in_words(), value))?;
        let Attribute { name, least, most, .. } = *self;
        if !(least..=most).contains(&number) {
            bail!(words::out_of_range(name, least, most, self.unit.after_number(), number));
        }
        Ok(number.into())
    }
}

impl Unit {
    /// The unit as written after a number; empty for a count.
    pub fn symbol(self) -> &'static str {
        match self {
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "µs",
            Unit::KilobytesPerSecond => "KB/s",
            Unit::Bytes => "bytes",
            Unit::Count | Unit::Word => "",
        }
    }

    /// The unit after a number in a sentence, with a space where the language has one.
    fn after_number(self) -> String {
        match self {
            Unit::Bytes => words::bytes(),
            Unit::Count | Unit::Word => String::new(),
            other => format!(" {}", other.symbol()),
        }
    }

    fn in_words(self) -> String {
        match self {
            Unit::Milliseconds => words::whole_milliseconds(),
            Unit::Microseconds => words::whole_microseconds(),
            Unit::KilobytesPerSecond => words::whole_kilobytes(),
            Unit::Bytes => words::whole_bytes(),
            Unit::Count => words::whole_number(),
            Unit::Word => words::a_name(),
        }
    }

    fn read(self, text: &str) -> Option<i64> {
        let seconds = |text: &str| {
            let (sign, text) = text.strip_prefix('-').map_or((1.0, text), |rest| (-1.0, rest));
            Some(sign * read_duration(text).ok()?.as_secs_f64())
        };
        match self {
            Unit::Milliseconds => Some((seconds(text)? * 1e3).round() as i64),
            Unit::Microseconds => Some((seconds(text)? * 1e6).round() as i64),
            _ => text.parse().ok(),
        }
    }
}

/// Checks the given attributes of a fault (or toxic) of this kind. Returns all its attributes in their own units,
/// with defaults for those that were not given.
pub(super) fn read_all(
    kind: &str,
    allowed: &[Attribute],
    given: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    for name in given.keys() {
        if !allowed.iter().any(|attribute| attribute.name == name) {
            bail!(unknown(kind, name, allowed));
        }
    }
    let mut all = Map::new();
    for attribute in allowed {
        let value = match (given.get(attribute.name), attribute.default) {
            (Some(value), _) => attribute.read(value).map_err(|error| anyhow!("{kind}: {error:#}"))?,
            (None, Some(_)) if attribute.unit == Unit::Word => continue,
            (None, Some(default)) => default.into(),
            (None, None) => bail!(words::needs_attribute(kind, attribute.name)),
        };
        all.insert(attribute.name.to_owned(), value);
    }
    Ok(all)
}

/// The error for an attribute of another name.
fn unknown(kind: &str, name: &str, allowed: &[Attribute]) -> String {
    let names: Vec<&str> = allowed.iter().map(|attribute| attribute.name).collect();
    match names[..] {
        [] => words::no_attributes(kind, name),
        _ => words::no_attribute(kind, name, names.join(", ")),
    }
}

/// Parses a number with a unit, of up to an hour: `"20s"`, `"1.5s"`, `"500ms"`, `"50us"`, `"2m"`.
pub fn read_duration(text: &str) -> Result<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        _ => bail!(words::not_a_time(text)),
    };
    let number: f64 = number.parse().with_context(|| words::not_a_time(text))?;
    let duration = Duration::from_secs_f64((number * factor).min(1e9));
    ensure!(duration <= Duration::from_millis(HOUR_MS as u64), words::over_an_hour(text));
    Ok(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(read_duration("10s").unwrap(), Duration::from_secs(10));
        assert_eq!(read_duration("1.5s").unwrap(), Duration::from_millis(1500));
        assert_eq!(read_duration("60m").unwrap(), Duration::from_secs(3600));
        assert_eq!(read_duration("50µs").unwrap(), Duration::from_micros(50));
        for bad in
            ["", "s", "10", "-1s", "1h", "2 d", "nan", "1e9s", "61m", "1.2.3s", "99999999999999999999m"]
        {
            assert!(read_duration(bad).is_err(), "{bad}");
        }
    }
}
