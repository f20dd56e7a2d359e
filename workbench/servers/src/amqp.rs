//! A minimal AMQP 0-9-1 handshake, to check whether a broker is there and accepts a connection.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use lapin::ConnectionProperties;
use lapin::uri::AMQPUri;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::database::shown;
use crate::words;
use terminal::language::seconds;

const LIMIT: Duration = Duration::from_secs(10);

/// Sends the protocol header and returns the broker's version. No password is needed, because the broker identifies
/// itself first.
pub async fn version(host: &str, port: u16) -> Result<String> {
    tokio::time::timeout(LIMIT, greet(host, port))
        .await
        .map_err(|_| anyhow!(words::no_answer(seconds(LIMIT))))?
}

/// Opens a connection to a broker that the user supplied. Returns its version, or an error for the user.
pub async fn check(url: &str) -> Result<String> {
    let place = shown(url)?;
    let uri: AMQPUri = url.parse().map_err(|reason| anyhow!(words::amqp_unreadable(&place, reason)))?;
    let version = version(&uri.authority.host, uri.authority.port)
        .await
        .with_context(|| words::no_rabbitmq_at(&place))?;
    let connect = lapin::Connection::connect(url, ConnectionProperties::default());
    match tokio::time::timeout(LIMIT, connect).await {
        Ok(Ok(connection)) => {
            let _ = connection.close(200, "seen enough".into()).await;
            Ok(version)
        }
        Ok(Err(reason)) => {
            bail!(words::rabbitmq_refuses(place, reason))
        }
        Err(_) => bail!(words::rabbitmq_hangs(place, seconds(LIMIT))),
    }
}

async fn greet(host: &str, port: u16) -> Result<String> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(b"AMQP\0\0\x09\x01").await?;
    // A frame: type, channel, length of the payload; then the payload.
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.with_context(words::closed_without_a_word)?;
    let length = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    ensure!(head[..3] == [1, 0, 0] && length < 65_536, words::not_amqp());
    let mut start = vec![0; length];
    stream.read_exact(&mut start).await?;
    property(&start, "version").with_context(|| words::no_version("RabbitMQ"))
}

/// Reads a text property from the table of `Connection.Start`: the name after its length, `S`, and the value after
/// its length (four bytes).
fn property(start: &[u8], name: &str) -> Option<String> {
    let mut key = vec![u8::try_from(name.len()).ok()?];
    key.extend_from_slice(name.as_bytes());
    key.push(b'S');
    let at = start.windows(key.len()).position(|window| window == key)? + key.len();
    let (length, rest) = start.get(at..)?.split_first_chunk::<4>()?;
    let value = rest.get(..u32::from_be_bytes(*length) as usize)?;
    String::from_utf8(value.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_property_is_found_in_the_table() {
        let start = b"\x0a\x0a\x07productS\x00\x00\x00\x08RabbitMQ\x07versionS\x00\x00\x00\x063.10.8rest";
        assert_eq!(property(start, "version").as_deref(), Some("3.10.8"));
        assert_eq!(property(start, "platform"), None);
        assert_eq!(property(b"\x07versionS\x00\x00\x00\x063.1", "version"), None);
    }
}
