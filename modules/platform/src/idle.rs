//! How long connections over HTTP may idle, at both ends (rule 42).
//!
//! A client of ours gives an idle connection up long before the server would close it. The other way round it would
//! sometimes send a request on a connection that the server is just closing.

use std::time::Duration;

/// How long our servers keep an idle connection.
pub const SERVER: Duration = Duration::from_secs(75);

/// How long our clients keep one.
pub const CLIENT: Duration = Duration::from_secs(30);

const _: () = assert!(CLIENT.as_secs() * 2 < SERVER.as_secs());
