//! The two ways in which a handler can fail to do what it was told.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

/// Any error of a store.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a handler answers when it did not do what it was told.
#[derive(Debug)]
pub enum Error {
    /// A business "no". Nothing was written. Whoever takes it as final says so to the module by the step's
    /// compensation, because what is refused now may be possible in a moment.
    Refused(Refusal),
    /// Nothing was decided: roll back, then try again.
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

/// Why a module did not do what it was told: a final no, and not a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// The reason as a word that never changes.
    pub code: RefusalCode,
    /// The reason as a sentence, with what is missing or wrong.
    #[serde(deserialize_with = "storable")]
    pub detail: String,
}

/// A text that PostgreSQL can store: JSON can hold a NUL, and a column cannot. A message with one is refused when it is read,
/// because the server's error would not tell it from a bad moment (rule 46).
fn storable<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text.contains('\0') {
        return Err(D::Error::custom("a text must not contain the character U+0000"));
    }
    Ok(text)
}

/// Why an order was refused. The words are part of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// The catalog has no such product.
    UnknownProduct,
    /// The price shown is no longer the price.
    PriceChanged,
    /// The time sale has no piece left.
    SaleSoldOut,
    /// The warehouse has too few.
    OutOfStock,
    /// The wallet holds too little, or there is none.
    InsufficientFunds,
    /// Shipping does not go there.
    RegionNotServed,
    /// The step was undone before it was done, so it must not be done any more (rule 19).
    Withdrawn,
}

impl RefusalCode {
    /// The word on the wire and in the database.
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

    /// The code that goes by this word.
    pub fn parse(word: &str) -> Option<Self> {
        serde_json::from_value(word.into()).ok()
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
