//! stateright's explorer: a web page to walk through a model step by step.

use std::net::{SocketAddr, TcpListener};

use super::{Protocol, words};
use anyhow::{Context, Result, bail};

/// Parses a loopback address. Others are refused, because other machines could reach them.
pub fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| words::give_address())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(words::loopback_only(address.ip()))
}

/// Serves the explorer until the process is ended. The page and everything that it loads are part of this program;
/// nothing is fetched from elsewhere.
pub fn serve(model: impl Protocol, address: SocketAddr) -> Result<bool> {
    let address = free(address)?;
    terminal::say!("{}", words::explorer_at(address));
    terminal::say!("{}", words::explorer_hint());
    model.checker().serve(address);
    bail!(words::explorer_stopped())
}

/// The address with a port that is free: stateright panics if it cannot listen.
fn free(address: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).with_context(|| words::cannot_listen(address))?;
    Ok(listener.local_addr()?)
}
