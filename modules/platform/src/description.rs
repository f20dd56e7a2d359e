//! The API description, for the programs that serve it and for the checks that use it.

/// The description of the shop's API. Both modes serve this text.
pub const OPENAPI: &str = include_str!("../openapi.json");
