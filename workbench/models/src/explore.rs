//! stateright's explorer: a page on which one walks through a model step by step.

use std::net::{SocketAddr, TcpListener};

use super::Protocol;
use anyhow::{Context, Result, bail};

/// An address that nobody reaches from another machine.
pub fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "give an address as 127.0.0.1:3000, or [::1]:3000".to_owned())?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err(format!(
        "{} can be reached by others; the explorer is for this machine only: 127.0.0.1",
        address.ip()
    ))
}

/// Serves the explorer until the process is told to end. The page and all that it loads come out of this program;
/// nothing is fetched from elsewhere.
pub fn serve(model: impl Protocol, address: SocketAddr) -> Result<bool> {
    let address = free(address)?;
    terminal::say!("The explorer: http://{address}/ (Ctrl-C ends it)");
    terminal::say!(
        "\"Run to completion\" on the page looks at all states; until then it knows those you have visited."
    );
    model.checker().serve(address);
    bail!("the explorer has stopped by itself")
}

/// The address with a port that can be had: stateright panics where it cannot.
fn free(address: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    Ok(listener.local_addr()?)
}
