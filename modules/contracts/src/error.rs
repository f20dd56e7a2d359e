//! The two ways in which a handler can fail.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Any store error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a handler did not carry out its command.
#[derive(Debug)]
pub enum Error {
    /// A business "no". Nothing was written. A caller that takes it as final must also send the step's compensation,
    /// because the same command might be accepted a moment later.
    Refused(Refusal),
    /// A technical failure. Nothing was decided: roll back and try again.
    Broken(BoxError),
}

impl Error {
    /// A refusal with its code and a sentence for people.
    pub fn refused(code: RefusalCode, detail: impl Into<String>) -> Self {
        Error::Refused(Refusal { code, detail: detail.into() })
    }
}

impl From<BoxError> for Error {
    fn from(error: BoxError) -> Self {
        Error::Broken(error)
    }
}

/// A business refusal: a final "no", not a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason as a code that never changes.
    pub code: RefusalCode,
    /// The reason as a sentence that says what is missing or wrong.
    #[serde(deserialize_with = "storable")]
    pub detail: String,
}

/// A text that PostgreSQL can store. JSON can contain NUL, a text column cannot. Such a message is rejected on parsing,
/// because the server's error later could not be told from a temporary failure: rule 46 (bad moments).
fn storable<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.contains('\0') {
        return Err(D::Error::custom("a text must not contain the character U+0000"));
    }
    Ok(text)
}

/// Why an order was refused. These words are part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The catalog has no such product.
    UnknownProduct,
    /// The price shown is no longer the current price.
    PriceChanged,
    /// The time sale has no units left.
    SaleSoldOut,
    /// The warehouse has too few units.
    OutOfStock,
    /// The wallet's balance is too low, or there is no wallet.
    InsufficientFunds,
    /// Shipping does not serve the region.
    RegionNotServed,
    /// The step's compensation arrived before the step itself, so the step must not be done any more:
    /// rule 19 (tombstone).
    Withdrawn,
}

impl RefusalCode {
    /// The word as it appears in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            RefusalCode::UnknownProduct => "unknown_product",
            RefusalCode::PriceChanged => "price_changed",
            RefusalCode::SaleSoldOut => "sale_sold_out",
            RefusalCode::OutOfStock => "out_of_stock",
            RefusalCode::InsufficientFunds => "insufficient_funds",
            RefusalCode::RegionNotServed => "region_not_served",
            RefusalCode::Withdrawn => "withdrawn",
        }
    }

    /// The code for a word, or `None` if the word is unknown.
    pub fn parse(word: &str) -> Option<Self> {
        serde_json::from_value(word.into()).ok()
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
