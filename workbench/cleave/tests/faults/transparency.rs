//! With any sequence of toxics, no byte is lost or reordered. Also measures the cost of the proxy without toxics.

use std::time::{Duration, Instant};

use faults::{Proxy, Toxic};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;
use crate::ground::*;

/// Toxics that delay, but neither cut nor end a connection.
fn harmless() -> impl Strategy<Value = Toxic> {
    let attributes = prop_oneof![
        (0..30u32, 0..30u32)
            .prop_map(|(latency, jitter)| ("latency", json!({"latency": latency, "jitter": jitter}))),
        (200..5000u32).prop_map(|rate| ("bandwidth", json!({ "rate": rate }))),
        (0..50u32).prop_map(|delay| ("slow_close", json!({ "delay": delay }))),
        (100..5000u32, 0..100u32, 0..200u32).prop_map(|(size, variation, delay)| {
            ("slicer", json!({"average_size": size, "size_variation": variation, "delay": delay}))
        }),
        Just(("timeout", json!({"timeout": 0}))),
    ];
    let stream = prop_oneof![Just("upstream"), Just("downstream")];
    (attributes, stream).prop_map(|((kind, attributes), stream): ((&str, Value), &str)| {
        toxic(&format!("{kind} {stream}"), attributes)
    })
}

/// Adds these toxics one after another, each for this many milliseconds.
async fn disturb(proxy: &Proxy, toxics: Vec<(Toxic, u64)>) -> Result {
    for (number, (mut toxic, time)) in toxics.into_iter().enumerate() {
        toxic.name = number.to_string();
        proxy.add(toxic)?;
        tokio::time::sleep(ms(time)).await;
        // The one before last: two toxics overlap.
        if number > 0 {
            proxy.remove(&(number - 1).to_string())?;
        }
    }
    for (toxic, _) in proxy.toxics() {
        proxy.remove(&toxic.name)?;
    }
    Ok(())
}

/// Sends bytes in pieces of this size, and returns what comes back.
async fn there_and_back(proxy: &Proxy, sent: &[u8], piece: usize) -> Result<Vec<u8>> {
    let (mut read, mut write) = connect(proxy).await?.into_split();
    let mut got = Vec::new();
    let sending = async {
        for piece in sent.chunks(piece) {
            write.write_all(piece).await?;
        }
        write.shutdown().await
    };
    let (sent, read) = tokio::join!(sending, within(read.read_to_end(&mut got)));
    sent?;
    read??;
    Ok(got)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_or_reordered_when_toxics_come_and_go(
        toxics in prop::collection::vec((harmless(), 1..25u64), 1..10),
        bytes in 1..400_000usize,
        piece in 1000..70_000usize,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let sent: Vec<u8> = (0..bytes).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let got = runtime.block_on(async {
            let proxy = proxied_echo().await?;
            let (disturbed, got) = tokio::join!(disturb(&proxy, toxics), there_and_back(&proxy, &sent, piece));
            disturbed?;
            got
        });
        let got = got.map_err(|error| TestCaseError::fail(format!("{error:#}")))?;
        prop_assert!(got == sent, "{} bytes were sent, {} came back, or others", sent.len(), got.len());
    }
}

/// Run with `--ignored --nocapture`, best with `--release`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures a cost and asserts none; docs/performance.md has the command that runs it"]
async fn what_the_proxy_costs_without_toxics() -> Result {
    let server = echo().await?;
    let proxy = Proxy::start("echo", server, 1)?;
    for round in 1..=3 {
        for (name, address) in [("direct ", server), ("proxied", proxy.address())] {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (began, mut trips) = (Instant::now(), 0u32);
            while began.elapsed() < Duration::from_secs(2) {
                round_trip(&mut stream, 512).await?;
                trips += 1;
            }
            let (each, rate) = (began.elapsed() / trips, f64::from(trips) / began.elapsed().as_secs_f64());
            println!("round {round}, {name}: {rate:.0} round trips of 512 bytes a second, {each:?} each");
        }
    }
    Ok(())
}
