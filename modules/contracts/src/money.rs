//! Whole numbers for money and quantities.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Invalid, whole};

/// An amount in minor units (the smallest coin) of the shop's one currency.
///
/// Never floating point, and arithmetic is checked: an overflow returns `None`, not a wrapped total; see
/// rule 28 (money).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(#[serde(deserialize_with = "whole::deserialize")] pub i64);

impl Money {
    /// The balance of a new wallet.
    pub const ZERO: Money = Money(0);

    /// The sum, or `None` on overflow.
    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).map(Money)
    }

    /// The difference, or `None` on overflow.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).map(Money)
    }

    /// The price of `quantity` units, or `None` on overflow.
    pub fn checked_times(self, quantity: Quantity) -> Option<Money> {
        self.0.checked_mul(quantity.get()).map(Money)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number of units: from 1 to [`Quantity::MAX`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Whole", into = "i64")]
pub struct Quantity(i64);

#[derive(Deserialize)]
struct Whole(#[serde(deserialize_with = "whole::deserialize")] i64);

impl TryFrom<Whole> for Quantity {
    type Error = Invalid;
    fn try_from(pieces: Whole) -> Result<Self, Invalid> {
        pieces.0.try_into()
    }
}

impl Quantity {
    /// The maximum quantity of one line.
    pub const MAX: i64 = 1_000_000;

    /// The number as `i64`.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = Invalid;
    fn try_from(pieces: i64) -> Result<Self, Invalid> {
        if (1..=Self::MAX).contains(&pieces) {
            return Ok(Self(pieces));
        }
        Err(Invalid(format!("a quantity must be a whole number from 1 to {}, not {pieces}", Self::MAX)))
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> i64 {
        quantity.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_bounded() {
        for bad in [0, -1, i64::from(i32::MAX) + 1, Quantity::MAX + 1] {
            assert!(Quantity::try_from(bad).is_err(), "{bad}");
        }
        for text in ["0", "-1", "2147483648", "1e400", "1.5", "\"1\"", "null"] {
            assert!(serde_json::from_str::<Quantity>(text).is_err(), "{text}");
        }
        for seven in ["7", "7.0", "70e-1", "0.7e1"] {
            assert_eq!(serde_json::from_str::<Quantity>(seven).unwrap().get(), 7);
            assert_eq!(serde_json::from_str::<Money>(seven).unwrap(), Money(7));
        }
    }

    #[test]
    fn arithmetic_does_not_wrap() {
        let two = Quantity::try_from(2).unwrap();
        assert_eq!(Money(i64::MAX).checked_times(two), None);
        assert_eq!(Money(i64::MAX).checked_add(Money(1)), None);
        assert_eq!(Money(21).checked_times(two), Some(Money(42)));
    }
}
