//! Free TCP ports on the loopback address.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Result, bail};
use rand::RngExt;

use crate::words;

/// Finds a port of 127.0.0.1 that is free.
///
/// It lies below the range from which the kernel assigns ports to outgoing connections. A port in that range could be
/// assigned to another program while a crashed server is down. It could even be assigned to a client that keeps
/// connecting to this very port, which would then be connected to itself.
pub fn free() -> Result<u16> {
    for _ in 0..100 {
        let port = rand::rng().random_range(15_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!(words::no_free_port())
}
