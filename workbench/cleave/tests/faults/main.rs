//! Faults on real sockets and real servers.

mod document;
mod engine;
mod ground;
mod messages;
mod proxy;
mod servers;
mod toxics;
mod transparency;

type Result<T = ()> = anyhow::Result<T>;
