//! A TCP proxy in a link, which disturbs the link as its toxics demand. The idea and the vocabulary are Toxiproxy's
//! (Shopify, <https://github.com/Shopify/toxiproxy>).
//!
//! Each direction of each connection keeps what it read in a queue, with the time at which each piece may be
//! forwarded. The toxics determine these times. So adding or removing a toxic only changes times, and bytes are
//! neither lost nor reordered. The queue is bounded, so a sender that is faster than the link has to wait, as on a
//! real link.

mod line;
mod stage;
mod traffic;

use parking_lot::Mutex;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::toxic::{Stream, Toxic};
use crate::words;
use line::Line;
use traffic::Counters;
pub use traffic::Traffic;

/// The listen backlog.
const BACKLOG: u32 = 1024;
/// The time limit for connecting to the server, far longer than any server on this machine needs.
const CONNECT: Duration = Duration::from_secs(10);
/// The pause after an error of `accept`, such as too many open files.
const BREATH: Duration = Duration::from_millis(10);

/// A proxy in a link. Dropping it closes its connections.
#[derive(Debug)]
pub struct Proxy {
    name: String,
    seed: u64,
    address: SocketAddr,
    /// Bound but not listening. It reserves the port while the proxy is down, and connections are refused.
    _reserved: TcpSocket,
    setup: Arc<watch::Sender<Setup>>,
    traffic: Arc<Counters>,
    listening: Mutex<Option<JoinHandle<()>>>,
}

/// The state that all connections follow.
#[derive(Debug, Clone)]
struct Setup {
    up: bool,
    upstream: SocketAddr,
    /// In the order in which they were added, which is the order in which they apply.
    toxics: Vec<Arc<Active>>,
    /// The number of toxics added so far.
    added: u64,
}

/// An active toxic.
#[derive(Debug)]
struct Active {
    toxic: Toxic,
    /// Starts at 1 and is never reused.
    number: u64,
    hits: AtomicU64,
}

impl Active {
    fn hit(&self) {
        self.hits.fetch_add(1, Relaxed);
    }
}

/// How a toxic or a broken side ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Closed normally.
    Close,
    /// Reset (RST): reads and writes at the other side fail.
    Reset,
}

impl Proxy {
    /// Starts a proxy before a server, on a free port of 127.0.0.1. The seed determines which connections are spared
    /// by a toxic with a toxicity below 1.
    pub fn start(name: &str, upstream: SocketAddr, seed: u64) -> Result<Proxy> {
        let context = || words::cannot_start_proxy(name);
        let reserved = bound(([127, 0, 0, 1], 0).into()).with_context(context)?;
        let setup = Setup { up: true, upstream, toxics: Vec::new(), added: 0 };
        let proxy = Proxy {
            name: name.to_owned(),
            seed,
            address: reserved.local_addr()?,
            _reserved: reserved,
            setup: Arc::new(watch::Sender::new(setup)),
            traffic: Arc::default(),
            listening: Mutex::default(),
        };
        proxy.listen().with_context(context)?;
        Ok(proxy)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address for clients.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends new connections to this server. Open connections are not affected.
    pub fn set_upstream(&self, upstream: SocketAddr) {
        self.setup.send_modify(|setup| setup.upstream = upstream);
    }

    /// Adds a toxic after the existing ones, to open connections too.
    pub fn add(&self, toxic: Toxic) -> Result<()> {
        let name = toxic.name.clone();
        let added = self.setup.send_if_modified(|setup| {
            let is_new = setup.toxics.iter().all(|active| active.toxic.name != toxic.name);
            if is_new {
                setup.added += 1;
                let active = Active { toxic, number: setup.added, hits: AtomicU64::new(0) };
                setup.toxics.push(Arc::new(active));
            }
            is_new
        });
        if !added {
            bail!(words::toxic_already(&self.name, name));
        }
        Ok(())
    }

    /// Removes a toxic, from open connections too, and returns how often it hit. Data that it held back is forwarded.
    pub fn remove(&self, name: &str) -> Result<u64> {
        let mut removed = None;
        self.setup.send_if_modified(|setup| {
            let index = setup.toxics.iter().position(|active| active.toxic.name == name);
            removed = index.map(|index| setup.toxics.remove(index));
            removed.is_some()
        });
        match removed {
            Some(active) => Ok(active.hits.load(Relaxed)),
            None => {
                let names: Vec<String> = self.toxics().into_iter().map(|(toxic, _)| toxic.name).collect();
                bail!(words::no_toxic(&self.name, name, names.join(", ")))
            }
        }
    }

    /// Its toxics, and how often each has hit: data held back or cut up, connections closed or reset.
    pub fn toxics(&self) -> Vec<(Toxic, u64)> {
        let setup = self.setup.borrow();
        setup.toxics.iter().map(|active| (active.toxic.clone(), active.hits.load(Relaxed))).collect()
    }

    /// The traffic through the proxy so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic.read()
    }

    /// Closes every connection and refuses new ones, until [`Proxy::up`]. Returns the number of closed connections.
    /// Refused connections cannot be counted, because the kernel refuses them.
    pub async fn down(&self) -> u64 {
        let listening = self.listening.lock().take();
        let Some(listening) = listening else { return 0 };
        listening.abort();
        // The port is closed when the task has ended. That it was aborted is expected.
        let _ = listening.await;
        let cut = self.traffic.open.load(Relaxed);
        self.traffic.cut.fetch_add(cut, Relaxed);
        self.setup.send_modify(|setup| setup.up = false);
        cut
    }

    /// Accepts connections again, on the same port.
    pub fn up(&self) -> Result<()> {
        self.listen().with_context(|| words::cannot_listen_again(&self.name))
    }

    fn listen(&self) -> io::Result<()> {
        let mut listening = self.listening.lock();
        if listening.is_none() {
            let listener = bound(self.address)?.listen(BACKLOG)?;
            self.setup.send_modify(|setup| setup.up = true);
            let (setup, traffic) = (self.setup.clone(), self.traffic.clone());
            *listening = Some(tokio::spawn(accept(listener, setup, traffic, self.seed)));
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let listening = self.listening.get_mut();
        if let Some(listening) = listening.take() {
            listening.abort();
        }
        self.setup.send_modify(|setup| setup.up = false);
    }
}

/// Binds a socket to this address, which another socket of the proxy may share.
fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, setup: Arc<watch::Sender<Setup>>, traffic: Arc<Counters>, seed: u64) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                let number = traffic.connections.fetch_add(1, Relaxed);
                traffic.open.fetch_add(1, Relaxed);
                let (setup, traffic) = (setup.subscribe(), traffic.clone());
                tokio::spawn(async move {
                    carry(client, setup, &traffic, seed, number).await;
                    traffic.open.fetch_sub(1, Relaxed);
                });
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

/// Forwards one connection until it ends.
async fn carry(
    mut client: TcpStream,
    setup: watch::Receiver<Setup>,
    traffic: &Counters,
    seed: u64,
    connection: u64,
) {
    let upstream = setup.borrow().upstream;
    let Ok(Ok(mut server)) = tokio::time::timeout(CONNECT, TcpStream::connect(upstream)).await else {
        traffic.unreachable.fetch_add(1, Relaxed);
        // A reset is the closest thing to a refusal for a connection that was already accepted.
        let _ = client.set_zero_linger();
        return;
    };
    // Nagle's algorithm would merge pieces and add delays of its own.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let up = Line {
        stream: Stream::Upstream,
        from: from_client,
        to: to_server,
        setup: setup.clone(),
        seed,
        connection,
        passed: &traffic.upstream,
    };
    let down = Line {
        stream: Stream::Downstream,
        from: from_server,
        to: to_client,
        setup,
        seed,
        connection,
        passed: &traffic.downstream,
    };
    // A connection that broke on one side must not look as if it had been closed normally on the other.
    if let Err(Ending::Reset) = tokio::try_join!(up.run(), down.run()) {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}
