//! The proxy itself: transparent without toxics, down on request, with bounded buffers.

use std::io::ErrorKind;

use faults::Proxy;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Result;
use crate::ground::*;

#[tokio::test]
async fn half_close_passes_through() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = Proxy::start("half", listener.local_addr()?, 1)?;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let request = rest(&mut stream).await?;
        stream.write_all(&request).await?;
        anyhow::Ok(request.len())
    });
    let mut client = connect(&proxy).await?;
    client.write_all(&[7; 100_000]).await?;
    client.shutdown().await?;
    assert_eq!(rest(&mut client).await?.len(), 100_000);
    assert_eq!(within(server).await???, 100_000);
    let traffic = proxy.traffic();
    let seen = (traffic.connections, traffic.bytes_upstream, traffic.bytes_downstream);
    assert_eq!(seen, (1, 100_000, 100_000));
    Ok(())
}

#[tokio::test]
async fn a_reset_on_one_side_is_a_reset_on_the_other() -> Result {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let proxy = Proxy::start("torn", listener.local_addr()?, 1)?;
    let mut client = connect(&proxy).await?;
    let (mut server, _) = listener.accept().await?;
    // Otherwise it could be reset before the proxy has accepted it.
    server.write_all(b"x").await?;
    within(client.read_u8()).await??;
    server.set_zero_linger()?;
    drop(server);
    let error = rest(&mut client).await.expect_err("a torn stream is not a complete one");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    Ok(())
}

#[tokio::test]
async fn down_closes_and_refuses_and_up_is_at_the_same_address() -> Result {
    let proxy = proxied_echo().await?;
    let mut stream = connect(&proxy).await?;
    round_trip(&mut stream, 1).await?;
    assert_eq!((proxy.down().await, proxy.down().await), (1, 0));
    assert!(rest(&mut stream).await.unwrap_or_default().is_empty());
    for _ in 0..3 {
        let error = TcpStream::connect(proxy.address()).await.expect_err("refused");
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    proxy.up()?;
    proxy.up()?;
    round_trip(&mut connect(&proxy).await?, 1).await?;
    assert_eq!(proxy.traffic().cut, 1);
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_reset_and_another_takes_its_place() -> Result {
    let closed = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let proxy = Proxy::start("moved", closed, 1)?;
    let mut stream = connect(&proxy).await?;
    assert_eq!(rest(&mut stream).await.expect_err("reset").kind(), ErrorKind::ConnectionReset);
    assert_eq!(proxy.traffic().unreachable, 1);
    proxy.set_upstream(echo().await?);
    round_trip(&mut connect(&proxy).await?, 1).await?;
    Ok(())
}

#[tokio::test]
async fn what_a_toxic_holds_back_is_bounded() -> Result {
    let proxy = proxied_echo().await?;
    proxy.add(toxic("timeout upstream", json!({"timeout": 0})))?;
    let mut stream = connect(&proxy).await?;
    let mut written = 0;
    while let Ok(n) = tokio::time::timeout(ms(300), stream.write(&[7; 65536])).await {
        written += n?;
        assert!(written < 32_000_000, "nothing stops the sender");
    }
    // All of it arrives in the end.
    let (mut read, mut write) = stream.split();
    proxy.remove("timeout_upstream")?;
    let mut got = Vec::new();
    let (ended, read) = tokio::join!(write.shutdown(), within(read.read_to_end(&mut got)));
    ended?;
    assert_eq!(read??, written);
    Ok(())
}

#[tokio::test]
async fn toxics_have_names() -> Result {
    let proxy = proxied_echo().await?;
    proxy.add(toxic("latency", json!({})))?;
    let error = proxy.add(toxic("latency", json!({}))).unwrap_err().to_string();
    assert!(error.contains("has a toxic \"latency_downstream\" already"), "{error}");
    let error = proxy.remove("other").unwrap_err().to_string();
    assert!(error.contains("it has: latency_downstream"), "{error}");
    Ok(())
}

#[tokio::test]
async fn dropping_it_ends_its_connections_and_frees_the_port() -> Result {
    let proxy = proxied_echo().await?;
    let mut stream = connect(&proxy).await?;
    round_trip(&mut stream, 1).await?;
    let address = proxy.address();
    drop(proxy);
    assert!(rest(&mut stream).await.unwrap_or_default().is_empty());
    let deadline = std::time::Instant::now() + BOUND;
    while TcpStream::connect(address).await.is_ok() {
        assert!(std::time::Instant::now() < deadline, "it still listens");
        tokio::time::sleep(ms(10)).await;
    }
    Ok(())
}
