//! How long HTTP connections may be idle, at both ends: rule 42 (keep-alive).
//!
//! The shop's clients close an idle connection long before the server would. Otherwise they would sometimes send a
//! request on a connection that the server is just closing.

use std::time::Duration;

/// How long the shop's servers keep an idle connection.
pub const SERVER: Duration = Duration::from_secs(75);

/// How long the shop's clients keep one.
pub const CLIENT: Duration = Duration::from_secs(30);

const _: () = assert!(CLIENT.as_secs() * 2 < SERVER.as_secs());
