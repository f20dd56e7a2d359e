//! Faults, on real sockets.

mod ground;
mod proxy;
mod toxics;
mod transparency;

type Result<T = ()> = anyhow::Result<T>;
