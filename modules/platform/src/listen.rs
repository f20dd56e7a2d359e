//! Where a program listens.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener};

use anyhow::anyhow;
use clap::Args;

/// The port and the address.
#[derive(Debug, Clone, Copy, Args)]
pub struct Listen {
    /// TCP port, or 0 for a free one; the first line on standard output names it.
    #[arg(long, env = "CLEAVE_PORT", default_value_t = 0)]
    port: u16,
    /// Address to listen on. Others than loopback are for containers, whose network decides who reaches it.
    #[arg(long, env = "CLEAVE_LISTEN", value_name = "ADDRESS", default_value = "127.0.0.1")]
    listen: IpAddr,
}

impl Listen {
    pub(crate) fn bind(self) -> anyhow::Result<TcpListener> {
        let Listen { port, listen } = self;
        TcpListener::bind(SocketAddr::new(listen, port)).map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => {
                anyhow!("port {port} is already in use; choose another with --port, or 0 for a free one")
            }
            _ => anyhow!("port {port} on {listen} cannot be opened: {error}; choose another with --port"),
        })
    }
}
