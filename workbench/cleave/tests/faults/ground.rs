//! Servers and clients to put a proxy between.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use faults::{Proxy, Toxic};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Result;

/// The time limit for everything that a test waits for.
pub const BOUND: Duration = Duration::from_secs(60);

/// A server that sends back everything that it receives.
pub async fn echo() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = stream.set_nodelay(true);
                let (mut read, mut write) = stream.into_split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
                let _ = write.shutdown().await;
            });
        }
    });
    Ok(address)
}

/// A proxy in front of an echo server.
pub async fn proxied_echo() -> Result<Proxy> {
    Proxy::start("echo", echo().await?, 1)
}

/// A toxic, downstream unless the type says otherwise: `latency` or `latency upstream`.
pub fn toxic(kind: &str, attributes: Value) -> Toxic {
    let (kind, stream) = kind.split_once(' ').unwrap_or((kind, "downstream"));
    serde_json::from_value(json!({"type": kind, "stream": stream, "attributes": attributes}))
        .expect("a toxic")
}

pub async fn connect(proxy: &Proxy) -> Result<TcpStream> {
    let stream = TcpStream::connect(proxy.address()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends bytes and waits until as many have come back. Returns how long that took.
pub async fn round_trip(stream: &mut TcpStream, bytes: usize) -> Result<Duration> {
    let began = Instant::now();
    let sent: Vec<u8> = (0..bytes).map(|n| n as u8).collect();
    stream.write_all(&sent).await?;
    let mut got = vec![0; bytes];
    within(stream.read_exact(&mut got)).await??;
    assert_eq!(got, sent);
    Ok(began.elapsed())
}

/// The rest of the stream.
pub async fn rest(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut got = Vec::new();
    within(stream.read_to_end(&mut got)).await.map_err(std::io::Error::other)??;
    Ok(got)
}

/// Whether the stream stays silent for this time.
pub async fn is_silent(stream: &TcpStream, time: Duration) -> bool {
    tokio::time::timeout(time, stream.readable()).await.is_err()
}

pub async fn within<T>(what: impl Future<Output = T>) -> Result<T> {
    Ok(tokio::time::timeout(BOUND, what).await?)
}

pub fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The number of hits of the proxy's only toxic.
pub fn hits(proxy: &Proxy) -> u64 {
    let toxics = proxy.toxics();
    assert_eq!(toxics.len(), 1, "one toxic is in place");
    toxics[0].1
}
