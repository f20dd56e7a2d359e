//! Free TCP ports on the loopback address.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};
use rand::RngExt;

use crate::words;

/// A port of 127.0.0.1 that nothing listens on.
///
/// It is taken from below the range from which the kernel gives ports to outgoing connections. A port of that
/// range could be given away while a server that we crashed on purpose is down; even to a client that knocks on
/// this very port again and again, and then finds itself connected to itself.
pub fn free() -> Result<u16> {
    for _ in 0..100 {
        let port = rand::rng().random_range(15_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!(words::no_free_port())
}
