//! What went through a proxy.

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

/// What went through a proxy since it was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Traffic {
    /// Connections that clients made.
    pub connections: u64,
    /// Connections that are open now.
    pub open: u64,
    /// Connections that came to nothing, because the server did not take them.
    pub unreachable: u64,
    /// Connections that going down has cut.
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
