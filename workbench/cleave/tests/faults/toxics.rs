//! Every toxic does what Toxiproxy documents, also to open connections, and counts its hits.

use std::io::ErrorKind;
use std::time::Instant;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::Result;
use crate::ground::*;

#[tokio::test]
async fn latency_delays_each_way() -> Result {
    let proxy = proxied_echo().await?;
    let mut stream = connect(&proxy).await?;
    round_trip(&mut stream, 10).await?;

    proxy.add(toxic("latency", json!({"latency": 150})))?;
    let took = round_trip(&mut stream, 10).await?;
    assert!(took >= ms(150), "{took:?}");
    assert_eq!(hits(&proxy), 1);
    proxy.add(toxic("latency upstream", json!({"latency": 150})))?;
    let took = round_trip(&mut stream, 10).await?;
    assert!(took >= ms(300), "{took:?}");

    assert_eq!(proxy.remove("latency_downstream")?, 2);
    let took = round_trip(&mut stream, 10).await?;
    assert!(took >= ms(150), "{took:?}");
    assert_eq!(hits(&proxy), 2, "the other one is still in place");
    Ok(())
}

/// Which delays are drawn is tested where they are drawn. A slow machine can only add to them.
#[tokio::test]
async fn jitter_takes_at_most_so_much_from_latency() -> Result {
    let proxy = proxied_echo().await?;
    proxy.add(toxic("latency", json!({"latency": 600, "jitter": 500})))?;
    let trip = async || round_trip(&mut connect(&proxy).await?, 1).await;
    let times = futures_util::future::try_join_all((0..20).map(|_| trip())).await?;
    assert!(times.iter().all(|time| *time >= ms(100)), "{times:?}");
    assert!(times.iter().any(|time| *time > ms(600)), "{times:?}");
    Ok(())
}

#[tokio::test]
async fn what_latency_holds_back_goes_on_when_it_is_removed() -> Result {
    let proxy = proxied_echo().await?;
    let mut stream = connect(&proxy).await?;
    proxy.add(toxic("latency", json!({"latency": "1m"})))?;
    stream.write_all(b"hello").await?;
    assert!(is_silent(&stream, ms(100)).await);
    proxy.remove("latency_downstream")?;
    let mut got = [0; 5];
    within(stream.read_exact(&mut got)).await??;
    assert_eq!(&got, b"hello");
    Ok(())
}

#[tokio::test]
async fn bandwidth_limits_the_rate() -> Result {
    let proxy = proxied_echo().await?;
    let mut stream = connect(&proxy).await?;
    proxy.add(toxic("bandwidth", json!({"rate": 50})))?;
    let began = Instant::now();
    stream.write_all(&[7; 30_000]).await?;
    let mut all = vec![0; 30_000];
    within(stream.read_exact(&mut all)).await??;
    assert!(began.elapsed() >= ms(550), "{:?}", began.elapsed());
    assert!(hits(&proxy) > 1, "it goes on in pieces");
    Ok(())
}

#[tokio::test]
async fn slow_close_delays_the_end_alone() -> Result {
    let proxy = proxied_echo().await?;
    let mut stream = connect(&proxy).await?;
    proxy.add(toxic("slow_close", json!({"delay": 200})))?;
    round_trip(&mut stream, 10).await?;
    assert_eq!(hits(&proxy), 0, "what is no end is not delayed");
    let began = Instant::now();
    stream.shutdown().await?;
    assert!(rest(&mut stream).await?.is_empty());
    assert!(began.elapsed() >= ms(200), "{:?}", began.elapsed());
    assert_eq!(hits(&proxy), 1);
    Ok(())
}

#[tokio::test]
async fn timeout_lets_nothing_through_and_then_closes() -> Result {
    let proxy = proxied_echo().await?;
    let mut stream = connect(&proxy).await?;
    round_trip(&mut stream, 1).await?;
    let began = Instant::now();
    proxy.add(toxic("timeout", json!({"timeout": 200})))?;
    stream.write_all(b"hello").await?;
    assert_eq!(rest(&mut stream).await?, b"");
    assert!(began.elapsed() >= ms(200), "{:?}", began.elapsed());
    assert_eq!(hits(&proxy), 2, "a piece was held back, a connection closed");
    Ok(())
}

#[tokio::test]
async fn timeout_of_zero_holds_everything_until_it_is_removed() -> Result {
    let proxy = proxied_echo().await?;
    let mut stream = connect(&proxy).await?;
    proxy.add(toxic("timeout upstream", json!({"timeout": 0})))?;
    stream.write_all(b"hello").await?;
    stream.shutdown().await?;
    assert!(is_silent(&stream, ms(300)).await);
    assert_eq!(proxy.remove("timeout_upstream")?, 2, "a piece and the end");
    assert_eq!(rest(&mut stream).await?, b"hello");
    Ok(())
}

#[tokio::test]
async fn reset_peer_resets_what_is_used() -> Result {
    let proxy = proxied_echo().await?;
    let (mut used, mut idle) = (connect(&proxy).await?, connect(&proxy).await?);
    round_trip(&mut used, 1).await?;
    round_trip(&mut idle, 1).await?;
    proxy.add(toxic("reset_peer", json!({"timeout": 100})))?;
    let began = Instant::now();
    used.write_all(b"hello").await?;
    let error = rest(&mut used).await.expect_err("the connection is reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(began.elapsed() >= ms(100), "{:?}", began.elapsed());
    assert_eq!(proxy.remove("reset_peer_downstream")?, 1);
    round_trip(&mut idle, 1).await?;
    Ok(())
}

#[tokio::test]
async fn slicer_cuts_into_small_pieces_with_pauses() -> Result {
    let proxy = proxied_echo().await?;
    let mut stream = connect(&proxy).await?;
    proxy.add(toxic("slicer", json!({"average_size": 10, "size_variation": 2, "delay": "50ms"})))?;
    let began = Instant::now();
    stream.write_all(&[7; 60]).await?;
    let mut buffer = [0; 60];
    let first = within(stream.read(&mut buffer)).await??;
    assert!((8..=12).contains(&first), "{first}");
    within(stream.read_exact(&mut buffer[first..])).await??;
    assert!(began.elapsed() >= ms(200), "{:?}", began.elapsed());
    assert!(hits(&proxy) > 1, "a piece was cut up, others had to wait");
    Ok(())
}

#[tokio::test]
async fn limit_data_closes_each_connection_after_so_many_bytes() -> Result {
    let proxy = proxied_echo().await?;
    proxy.add(toxic("limit_data", json!({"bytes": 100})))?;
    for connections in 1..=2 {
        let mut stream = connect(&proxy).await?;
        round_trip(&mut stream, 60).await?;
        stream.write_all(&[7; 60]).await?;
        assert_eq!(rest(&mut stream).await?, [7; 40]);
        assert_eq!(hits(&proxy), connections);
    }
    Ok(())
}

#[tokio::test]
async fn toxicity_spares_connections_and_the_seed_says_which() -> Result {
    let server = echo().await?;
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let proxy = faults::Proxy::start("echo", server, seed)?;
        let mut half = toxic("limit_data", json!({"bytes": 0}));
        half.toxicity = 0.5;
        proxy.add(half)?;
        let mut hit = Vec::new();
        for _ in 0..40 {
            let mut stream = connect(&proxy).await?;
            stream.write_all(b"x").await?;
            hit.push(within(stream.read(&mut [0])).await?.unwrap_or(0) == 0);
        }
        let count = hit.iter().filter(|hit| **hit).count();
        assert!((8..=32).contains(&count), "{count} of 40");
        assert_eq!(hits(&proxy), count as u64);
        runs.push(hit);
    }
    assert_eq!(runs[0], runs[1], "the same seed spares the same connections");
    assert_ne!(runs[0], runs[2]);
    Ok(())
}
