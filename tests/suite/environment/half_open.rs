//! Half-open database connections: what is sent is acknowledged and lost, and neither side gets an error.

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel::QueryableByName;
use diesel::sql_types::Integer;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use tests::{DELIVERIES, Driver, Goods, Line, Stage, World, eventually, order};
use tokio::io::{copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// A proxy between a process and its database.
struct Between {
    url: String,
    frozen: watch::Sender<()>,
    carrying: JoinHandle<()>,
}

impl Between {
    async fn start(database: &str) -> Result<Between> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (user, place) = database.rsplit_once('@').context("a URL with a user")?;
        let (server, name) = place.split_once('/').context("a URL with a database")?;
        let url = format!("{user}@{}/{name}", listener.local_addr()?);
        let (frozen, server) = (watch::Sender::new(()), server.to_owned());
        let freezing = frozen.clone();
        let carrying = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), freezing.subscribe()));
            }
        });
        Ok(Between { url, frozen, carrying })
    }

    /// From now on existing connections pass nothing on. Connections that are opened later work.
    fn freeze(&self) {
        self.frozen.send_replace(());
    }
}

impl Drop for Between {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

async fn carry(mut client: TcpStream, server: String, mut frozen: watch::Receiver<()>) {
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        _ = frozen.changed() => {}
    }
    // Both sides are read to their end, and nothing is passed on.
    let (mut nowhere, mut nowhere_too) = (sink(), sink());
    let _ = tokio::join!(copy(&mut client, &mut nowhere), copy(&mut server, &mut nowhere_too));
}

/// A service recovers by itself, and so does a coordinator. The server ends the silent session that holds the lock.
pub async fn a_half_open_connection_is_given_up(stage: &Stage) -> Result<Option<String>> {
    tokio::try_join!(a_service(stage), a_coordinator(stage))?;
    Ok(None)
}

/// The consumer, the relay and the requests of a service lose their connections in the middle of an order.
async fn a_service(stage: &Stage) -> Result<()> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world_of_one(Driver::Orchestrated, infrastructure, DELIVERIES).await?;
    let between = behind(&world, "inventory", &world.databases.inventory).await?;
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    between.freeze();
    let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
    world.confirmed(&body).await.context("the inventory does not recover")?;
    eventually("its requests work again", async || {
        Ok((world.get(&format!("/stock/{sku}")).await?.status == 200).then_some(()))
    })
    .await?;
    ensure!(world.on_hand(&sku).await? == 4);
    stage.close(world, infrastructure, Expected::default()).await
}

async fn a_coordinator(stage: &Stage) -> Result<()> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::TwoPhase, infrastructure).await?;
    let between = behind(&world, "monolith", &world.databases.orders).await?;
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    let mut server = AsyncPgConnection::establish(&world.databases.orders).await?;
    let holder = holders(&mut server).await?;
    ensure!(holder.len() == 1, "{holder:?} hold the lock of one coordinator");
    between.freeze();
    let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
    let key = Uuid::new_v4().to_string();
    let decided = async || {
        // No response counts as an unknown outcome.
        let Ok(answer) = world.order(&key, &body).await else { return Ok(None) };
        Ok([200, 201].contains(&answer.status).then_some(answer.json))
    };
    let decided = eventually("the coordinator accepts orders again", decided).await?;
    ensure!(decided["status"] == "confirmed", "{decided}");
    // It may accept orders a moment before it notices that its lock is gone: until another coordinator has taken the
    // lock, its epoch is still the current one, rule 31 (recovery).
    eventually("another session holds the lock", async || {
        let now = holders(&mut server).await?;
        Ok((now.len() == 1 && now != holder).then_some(()))
    })
    .await?;
    drop(server);
    stage.close(world, infrastructure, Expected::default()).await
}

/// Restarts a process with a connection to its database that can be frozen.
async fn behind(world: &World, process: &str, database: &str) -> Result<Between> {
    let between = Between::start(database).await?;
    let arguments = ["--database-url".to_owned(), between.url.clone()];
    world.shop().await.restart_with(process, &arguments).await?;
    eventually("the shop works", async || Ok(world.still_works().await.ok())).await?;
    Ok(between)
}

#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// The sessions that hold an advisory lock in this database.
async fn holders(server: &mut AsyncPgConnection) -> Result<Vec<i32>> {
    let locks = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let sessions: Vec<Session> = diesel::sql_query(locks).load(server).await?;
    Ok(sessions.into_iter().map(|session| session.pid).collect())
}
