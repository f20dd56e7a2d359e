//! Whole numbers in JSON.

use std::fmt;

use serde::Deserializer;
use serde::de::{Error, Unexpected, Visitor};

/// 2^53. Below it a 64-bit float represents every whole number exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Reads a whole number. As in JSON Schema `1.0` counts as one, and `1.5` does not.
pub fn deserialize<'de, D: Deserializer<'de>>(number: D) -> Result<i64, D::Error> {
    number.deserialize_i64(Whole)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number that fits in 64 bits")
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<i64, E> {
        Ok(number)
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<i64, E> {
        number.try_into().map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<i64, E> {
        if number.fract() == 0.0 && number.abs() < EXACT {
            return Ok(number as i64);
        }
        Err(E::invalid_value(Unexpected::Float(number), &self))
    }
}

#[cfg(test)]
mod tests {
    fn read(text: &str) -> Result<i64, String> {
        super::deserialize(&mut serde_json::Deserializer::from_str(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
        for (text, number) in [("3", 3), ("-3", -3), ("3.0", 3), ("-3.0", -3), ("3e2", 300), ("-0.0", 0)] {
            assert_eq!(read(text), Ok(number), "{text}");
        }
        assert_eq!(read("9223372036854775807"), Ok(i64::MAX));
    }

    #[test]
    fn nothing_is_rounded() {
        for text in
            ["1.5", "1e-1", "9223372036854775808", "9007199254740993.0", "1e300", "\"1\"", "null", "true"]
        {
            assert!(read(text).is_err(), "{text} was read as {:?}", read(text));
        }
    }
}
