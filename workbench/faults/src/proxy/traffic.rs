//! The traffic through a proxy.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub connections: AtomicU64,
    pub open: AtomicU64,
    pub unreachable: AtomicU64,
    pub cut: AtomicU64,
    pub upstream: AtomicU64,
    pub downstream: AtomicU64,
}

/// Traffic since the proxy was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Connections from clients, open and closed.
    pub connections: u64,
    /// Those of them that are open now.
    pub open: u64,
    /// Connections that failed because the server did not accept them.
    pub unreachable: u64,
    /// Connections that were cut when the proxy went down.
    pub cut: u64,
    /// Bytes from clients to the server.
    pub bytes_upstream: u64,
    /// Bytes from the server to clients.
    pub bytes_downstream: u64,
}

impl Counters {
    pub fn read(&self) -> Traffic {
        let Counters { connections, open, unreachable, cut, upstream, downstream } = self;
        Traffic {
            connections: connections.load(Relaxed),
            open: open.load(Relaxed),
            unreachable: unreachable.load(Relaxed),
            cut: cut.load(Relaxed),
            bytes_upstream: upstream.load(Relaxed),
            bytes_downstream: downstream.load(Relaxed),
        }
    }
}
