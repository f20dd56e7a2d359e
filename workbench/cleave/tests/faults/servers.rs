//! Faults of real servers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use faults::{Act, FaultSpec, Faults, Hit, Place};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{BasicProperties, Connection, ConnectionProperties};
use servers::guard::Guard;
use servers::{Infrastructure, ServerOptions, connect};
use tokio::sync::Mutex;
use topology::Driver;

use crate::Result;
use crate::ground::*;

/// Real servers, and faults that act on them.
pub struct Servers {
    pub faults: Faults,
    pub database: String,
    pub broker: String,
    _guard: Guard,
}

impl Servers {
    /// Starts the servers, the broker only if it is needed.
    pub async fn start(needs_broker: bool) -> Result<Servers> {
        let guard = Guard::start()?;
        let infra =
            Infrastructure::find(&guard, &ServerOptions { needs_broker, ..ServerOptions::default() }).await?;
        let database = infra.postgres.admin_url().to_owned();
        let broker = infra.amqp_url().unwrap_or_default().to_owned();
        let place = Place {
            driver: if needs_broker { Driver::Orchestrated } else { Driver::Local },
            database: Some(database.clone()),
            broker: needs_broker.then(|| (broker.clone(), "shop".to_owned())),
        };
        let (faults, mut requests) = Faults::new(place);
        let infra = Arc::new(Mutex::new(infra));
        tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                let hit = match request.act {
                    Act::Server(act) => act.perform(&mut *infra.lock().await).await,
                    _ => Ok(Hit::default()),
                };
                let _ = request.answer.send(hit);
            }
        });
        Ok(Servers { faults, database, broker, _guard: guard })
    }

    async fn session(&self) -> Result<AsyncPgConnection> {
        connect(&self.database).await
    }
}

/// Whether two messages are confirmed within this time. The broker still accepts one from a connection that it is about
/// to block.
async fn is_confirmed(broker: &str, bound: Duration) -> Result<bool> {
    let connection = Connection::connect(broker, ConnectionProperties::default()).await?;
    let publish = async {
        let channel = connection.create_channel().await?;
        channel.confirm_select(ConfirmSelectOptions::default()).await?;
        for _ in 0..2 {
            let options = BasicPublishOptions::default();
            let sent =
                channel.basic_publish("".into(), "nowhere".into(), options, b"", BasicProperties::default());
            sent.await?.await?;
        }
        lapin::Result::Ok(())
    };
    Ok(tokio::time::timeout(bound, publish).await.is_ok_and(|confirmed| confirmed.is_ok()))
}

#[tokio::test]
async fn the_database_dies_and_comes_back_and_runs_out_of_connections() -> Result {
    let servers = Servers::start(false).await?;
    servers.session().await?.batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").await?;
    let id = servers.faults.add(&FaultSpec::new("kill_database", None)?).await?;
    assert!(servers.session().await.is_err());
    let record = servers.faults.heal(id).await?;
    assert!(
        record.hits > 0 && record.hit.english().contains("PostgreSQL was killed; PostgreSQL was back"),
        "{record:?}"
    );
    servers.session().await?.batch_execute("SELECT 1 / count(*) FROM kept").await?;

    servers.faults.add(&FaultSpec::new("restart_database", None)?).await?;
    let mut before = servers.session().await?;
    before.batch_execute("SELECT 1 / count(*) FROM kept").await?;

    let began = Instant::now();
    let id = servers.faults.add(&FaultSpec::new("connection_limit", None)?).await?;
    println!("all connections were taken within {:?}", began.elapsed());
    assert!(before.batch_execute("SELECT 1").await.is_err(), "the session was ended");
    let error = format!("{:#}", servers.session().await.err().expect("no connection is left"));
    assert!(error.contains("too many clients"), "{error}");
    let record = servers.faults.heal(id).await?;
    assert_eq!(record.hits, 1, "{}", record.hit);
    let deadline = Instant::now() + BOUND;
    while servers.session().await.is_err() {
        assert!(Instant::now() < deadline, "connections are not given back");
    }
    Ok(())
}

#[tokio::test]
async fn some_connections_can_be_left() -> Result {
    let servers = Servers::start(false).await?;
    let two =
        serde_json::from_value(serde_json::json!({"kind": "connection_limit", "attributes": {"left": 2}}))?;
    servers.faults.add(&two).await?;
    // The space is free when the process has ended.
    let deadline = Instant::now() + BOUND;
    let mut left = Vec::new();
    while left.len() < 2 {
        assert!(Instant::now() < deadline, "{} connections are left", left.len());
        left.extend(servers.session().await.ok());
    }
    assert!(servers.session().await.is_err());
    Ok(())
}

#[tokio::test]
async fn the_broker_has_alarms_and_dies_and_comes_back() -> Result {
    let servers = Servers::start(true).await?;
    assert!(is_confirmed(&servers.broker, BOUND).await?);
    for alarm in ["broker_memory_alarm", "broker_disk_alarm"] {
        let id = servers.faults.add(&FaultSpec::new(alarm, None)?).await?;
        let (broker, began) = (servers.broker.clone(), Instant::now());
        let publisher = tokio::spawn(async move { is_confirmed(&broker, BOUND).await });
        tokio::time::sleep(ms(1000)).await;
        assert!(!publisher.is_finished(), "{alarm}: a publisher is not blocked");
        let record = servers.faults.heal(id).await?;
        println!("{alarm}: {} in {:?}", record.hit, began.elapsed());
        assert_eq!(record.hits, 1, "{alarm}: {}", record.hit);
        assert!(publisher.await??, "{alarm}: it is confirmed in the end");
    }
    let id = servers.faults.add(&FaultSpec::new("kill_broker", None)?).await?;
    assert!(is_confirmed(&servers.broker, ms(500)).await.is_err());
    let record = servers.faults.heal(id).await?;
    assert!(record.hits > 0 && record.hit.english().contains("RabbitMQ was back"), "{record:?}");
    assert!(is_confirmed(&servers.broker, BOUND).await?);
    Ok(())
}
