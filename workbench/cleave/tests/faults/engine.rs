//! A fault heals by itself, and its record contains what it really hit. The owner of the shop is a fake.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use faults::{Act, FaultSpec, Faults, Hit, Link, Place, Proxy, Record, ServerAct};
use parking_lot::Mutex;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use topology::Driver;

use crate::Result;
use crate::ground::*;

/// The requests to the owner of the shop.
type Asked = Arc<Mutex<Vec<Act>>>;

/// Faults of a shop whose owner records its requests, and fails those for shipping.
fn faults(driver: Driver) -> (Faults, Asked) {
    let (faults, mut requests) = Faults::new(Place { driver, database: None, broker: None });
    let asked = Asked::default();
    let noted = asked.clone();
    tokio::spawn(async move {
        while let Some(request) = requests.recv().await {
            let hit = match &request.act {
                Act::Kill(process) if process == "shipping" => Err(anyhow::anyhow!("shipping is not there")),
                Act::Resume(_) => Ok(Hit::default()),
                act => Ok(Hit::one(format!("{act:?}"))),
            };
            noted.lock().push(request.act);
            let _ = request.answer.send(hit);
        }
    });
    (faults, asked)
}

fn spec(json: serde_json::Value) -> FaultSpec {
    serde_json::from_value(json).expect("a fault")
}

fn link(name: &str) -> Link {
    name.parse().expect("a link")
}

async fn ended(faults: &Faults, id: u64) -> Result<Record> {
    let deadline = Instant::now() + BOUND;
    loop {
        let log = faults.log();
        let record = log.iter().find(|record| record.id == id).context("it is in the log")?;
        if record.ended.is_some() {
            return Ok(record.clone());
        }
        if Instant::now() > deadline {
            bail!("it did not end: {record:?}");
        }
        tokio::time::sleep(ms(5)).await;
    }
}

#[tokio::test]
async fn a_toxic_heals_by_itself_and_says_what_it_hit() -> Result {
    let (faults, _) = faults(Driver::Orchestrated);
    let proxy = Arc::new(proxied_echo().await?);
    faults.attach(link("gateway-inventory"), proxy.clone()).await?;
    let slow = json!({"kind": "latency", "target": "gateway-inventory", "attributes": {"latency": 50}, "for": "400ms"});
    let id = faults.add(&spec(slow)).await?;
    let mut stream = connect(&proxy).await?;
    assert!(round_trip(&mut stream, 1).await? >= ms(50));
    let there = faults.list();
    assert_eq!((there.len(), there[0].id, there[0].hits), (1, id, 1));

    let record = ended(&faults, id).await?;
    let lasted = record.ended.context("ended")? - record.started;
    assert!((390..5000).contains(&lasted.num_milliseconds()), "{lasted}");
    assert_eq!((record.hits, record.hit.english()), (1, "echo: 1"));
    assert!(proxy.toxics().is_empty() && faults.list().is_empty());
    assert_eq!(faults.heal(id).await?, record, "it is over, and that is no error");
    Ok(())
}

#[tokio::test]
async fn a_fault_that_met_nothing_says_so() -> Result {
    let (faults, _) = faults(Driver::Orchestrated);
    faults.attach(link("orders-broker"), Arc::new(proxied_echo().await?)).await?;
    let id = faults.add(&FaultSpec::new("timeout", Some("orders-broker"))?).await?;
    assert_eq!(faults.heal(id).await?.hits, 0);
    Ok(())
}

#[tokio::test]
async fn down_goes_for_every_proxy_of_the_link_and_for_those_that_come() -> Result {
    let (faults, _) = faults(Driver::Local);
    let monolith = link("gateway-monolith");
    let proxies = [Arc::new(proxied_echo().await?), Arc::new(proxied_echo().await?)];
    faults.attach(monolith, proxies[0].clone()).await?;
    let mut stream = connect(&proxies[0]).await?;
    round_trip(&mut stream, 1).await?;
    let id = faults.add(&FaultSpec::new("down", Some("gateway-monolith"))?).await?;
    faults.attach(monolith, proxies[1].clone()).await?;
    for proxy in &proxies {
        assert!(connect(proxy).await.is_err());
    }
    let error = faults.add(&FaultSpec::new("down", Some("gateway-monolith"))?).await.unwrap_err().to_string();
    assert!(error.contains("is already active, as fault 1"), "{error}");

    let record = faults.heal(id).await?;
    assert_eq!(record.hits, 1, "{}", record.hit);
    for proxy in &proxies {
        round_trip(&mut connect(proxy).await?, 1).await?;
    }
    Ok(())
}

#[tokio::test]
async fn the_owner_does_it_and_undoes_it() -> Result {
    let (faults, asked) = faults(Driver::Orchestrated);
    let pause = faults.add(&spec(json!({"kind": "pause", "target": "orders", "for": "100ms"}))).await?;
    let error = faults.add(&FaultSpec::new("kill", Some("orders"))?).await.unwrap_err().to_string();
    assert!(error.contains("pause on orders is already active"), "{error}");
    assert_eq!(ended(&faults, pause).await?.hits, 1);

    let kill = faults.add(&FaultSpec::new("kill", Some("orders"))?).await?;
    let record = ended(&faults, kill).await?;
    assert_eq!((record.hits, record.ended), (1, Some(record.started)), "there is nothing to undo");

    let skew = json!({"kind": "clock_skew", "target": "payments", "attributes": {"skew": "-5s"}});
    faults.add(&spec(skew)).await?;
    faults.add(&FaultSpec::new("kill_broker", None)?).await?;
    assert_eq!(faults.heal_all().await?.len(), 2);
    let (orders, payments) = (|| "orders".to_owned(), || "payments".to_owned());
    let mut asked = asked.lock().clone();
    // Both end at the same time.
    asked[5..].sort_by_key(|act| format!("{act:?}"));
    assert_eq!(
        asked,
        [
            Act::Pause(orders()),
            Act::Resume(orders()),
            Act::Kill(orders()),
            Act::SkewClock(payments(), -5000),
            Act::Server(ServerAct::EndBroker),
            Act::Server(ServerAct::RestartBroker),
            Act::SkewClock(payments(), 0),
        ]
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_done_changes_nothing() -> Result {
    let (split, asked) = faults(Driver::Orchestrated);
    let (monolith, _) = faults(Driver::Local);
    for (faults, kind, target, says) in [
        (&split, "kill", Some("shipping"), "shipping is not there"),
        (&split, "kill", Some("monolith"), "has no process monolith"),
        (&split, "down", Some("client-gateway"), "no proxy in the link client-gateway"),
        (&split, "connection_limit", None, "only servers that it started"),
        (&split, "poison", Some("orders"), "has no broker"),
        (&monolith, "kill_broker", None, "the monolith has no broker"),
        (&monolith, "duplicate", Some("orders"), "sends no messages"),
        (&monolith, "down", Some("gateway-orders"), "in one process"),
    ] {
        let error = format!("{:#}", faults.add(&FaultSpec::new(kind, target)?).await.unwrap_err());
        assert!(error.contains(says), "{error}");
    }
    assert!(split.log().is_empty() && monolith.log().is_empty());
    assert_eq!(asked.lock().len(), 1);
    let error = split.heal(7).await.unwrap_err().to_string();
    assert!(error.contains("there is no fault 7"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_fault_ends_with_the_shop_gone() -> Result {
    let (faults, requests) = Faults::new(Place { driver: Driver::Local, database: None, broker: None });
    drop(requests);
    let error = format!("{:#}", faults.add(&FaultSpec::new("kill", Some("monolith"))?).await.unwrap_err());
    assert!(error.contains("the shop has stopped"), "{error}");
    Ok(())
}

/// The proxy of an instance that was removed continues until the fault is over, and its hits count.
#[tokio::test]
async fn a_detached_proxy_is_healed_too() -> Result {
    let (faults, _) = faults(Driver::Orchestrated);
    let orders = link("gateway-orders");
    let (proxy, other) = (Arc::new(proxied_echo().await?), Proxy::start("other", echo().await?, 1)?);
    faults.attach(orders, proxy.clone()).await?;
    faults.attach(orders, Arc::new(other)).await?;
    let id = faults.add(&FaultSpec::new("timeout", Some("gateway-orders"))?).await?;
    let mut stream = connect(&proxy).await?;
    stream.write_all(b"hello").await?;
    assert!(is_silent(&stream, ms(100)).await);
    faults.detach(orders, "echo");
    let record = faults.heal(id).await?;
    assert_eq!((record.hits, record.hit.english()), (1, "echo: 1; other: 0"));
    assert!(!is_silent(&stream, BOUND).await);
    Ok(())
}
