//! The description of the API, for the programs that serve it and for what is checked by it.

/// The one description of the shop's API: both modes serve this text.
pub const OPENAPI: &str = include_str!("../openapi.json");
