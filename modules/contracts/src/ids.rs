//! Identifiers, checked when they are parsed.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a value from outside was rejected. The text says what would be accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// The maximum length of an identifier, in characters.
const MAX_LENGTH: usize = 64;

fn check(kind: &str, text: &str) -> Result<(), Invalid> {
    let printable = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if text.is_empty() || text.len() > MAX_LENGTH || !text.chars().all(printable) {
        return Err(Invalid(format!("{kind} must be 1 to {MAX_LENGTH} letters, digits, '-', '_' or '.'")));
    }
    Ok(())
}

macro_rules! identifier {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(text: String) -> Result<Self, Invalid> {
                check($kind, &text)?;
                Ok(Self(text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = Invalid;
            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

identifier!(
    /// A product, as catalog and inventory know it (*stock keeping unit*).
    Sku,
    "a sku"
);
identifier!(
    /// A customer. The wallet has the same id.
    CustomerId,
    "a customer id"
);
identifier!(
    /// The destination of a shipment. Shipping decides which regions it serves.
    Region,
    "a region"
);

/// An order id: a UUID of version 7, so that later ids sort after earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(pub Uuid);

impl OrderId {
    /// A new id, from the current time and random bits.
    #[allow(clippy::new_without_default, reason = "a default id would hide that it is unique")]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_checked_when_parsed() {
        for good in ["a", "SKU-0001", "x.y_z", &"k".repeat(64)] {
            assert_eq!(good.parse::<Sku>().unwrap().as_str(), good);
        }
        for bad in ["", " ", "a b", "nul\0", "é", "<b>", &"k".repeat(65)] {
            assert!(bad.parse::<Sku>().is_err(), "{bad:?} was accepted");
        }
        assert!(serde_json::from_str::<Region>("\"a\\u0000\"").is_err());
    }
}
