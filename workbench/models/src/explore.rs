//! stateright's explorer: a web page to walk through a model step by step.

use std::net::{SocketAddr, TcpListener};

use super::Protocol;
use anyhow::{Context, Result, bail};

/// Parses a loopback address. Others are refused, because other machines could reach them.
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

/// Serves the explorer until the process is ended. The page and everything that it loads are part of this program;
/// nothing is fetched from elsewhere.
pub fn serve(model: impl Protocol, address: SocketAddr) -> Result<bool> {
    let address = free(address)?;
    terminal::say!("The explorer: http://{address}/ (Ctrl-C ends it)");
    terminal::say!(
        "\"Run to completion\" on the page looks at all states; until then it knows those you have visited."
    );
    model.checker().serve(address);
    bail!("the explorer stopped unexpectedly")
}

/// The address with a port that is free: stateright panics if it cannot listen.
fn free(address: SocketAddr) -> Result<SocketAddr> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    Ok(listener.local_addr()?)
}
