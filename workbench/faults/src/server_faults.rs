//! Faults of the servers. Only servers that were started here are disturbed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::act::{Hit, ServerAct};
use servers::{Infrastructure, Postgres, RabbitMq};

/// RabbitMQ's default, to go back to.
const MEMORY: &str = "0.4";
/// What the configuration of our RabbitMQ says, to go back to.
const DISK: &str = "50MB";
/// How long RabbitMQ may take to see that it has no memory or disk left.
const ALARM: Duration = Duration::from_secs(30);
/// How long PostgreSQL may take to answer somebody who connects.
const ANSWER: Duration = Duration::from_secs(10);
/// By then the process of a session that was ended is gone, and its place is free.
const FREED: Duration = Duration::from_millis(100);
/// So often those who come back are ended again.
const ROUNDS: usize = 3;
/// After this PostgreSQL itself ends those who say no password (`authentication_timeout`).
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Ends every session but our own. Who has not said its password yet has no user.
const END_OTHERS: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND usesysid IS NOT NULL AND pid <> pg_backend_pid()";

impl ServerAct {
    /// Does it.
    pub async fn perform(self, infra: &mut Infrastructure) -> Result<Hit> {
        match self {
            ServerAct::EndDatabase => {
                database(infra)?.kill_hard()?;
                Ok(Hit::one("PostgreSQL was ended"))
            }
            ServerAct::RestartDatabase => {
                let began = Instant::now();
                database(infra)?.restart().await?;
                Ok(Hit::one(format!("PostgreSQL was back after {} ms", began.elapsed().as_millis())))
            }
            ServerAct::DiskFull(true) => {
                database(infra)?.fill_disk().await?;
                Ok(Hit::default())
            }
            ServerAct::DiskFull(false) => {
                let count = database(infra)?.free_disk().await?;
                Ok(Hit { count, what: format!("PostgreSQL found no room {count} times") })
            }
            ServerAct::EndBroker => {
                broker(infra)?.kill_hard()?;
                Ok(Hit::one("RabbitMQ was ended"))
            }
            ServerAct::RestartBroker => {
                let began = Instant::now();
                broker(infra)?.restart().await?;
                Ok(Hit::one(format!("RabbitMQ was back after {} ms", began.elapsed().as_millis())))
            }
            ServerAct::MemoryAlarm(on) => {
                let limit = if on { "0" } else { MEMORY };
                alarm(broker(infra)?, &["set_vm_memory_high_watermark", limit], on).await
            }
            ServerAct::DiskAlarm(on) => {
                let limit = if on { "1000000GB" } else { DISK };
                alarm(broker(infra)?, &["set_disk_free_limit", limit], on).await
            }
        }
    }
}

fn database(infra: &mut Infrastructure) -> Result<&mut Postgres> {
    let not_ours = "the PostgreSQL is not ours: only a server that was started here is disturbed";
    infra.postgres.running.private().context(not_ours)
}

fn broker(infra: &mut Infrastructure) -> Result<&mut RabbitMq> {
    let not_ours = "the RabbitMQ is not ours: only a server that was started here is disturbed";
    let broker = infra.rabbitmq.as_mut().context("there is no broker")?;
    broker.running.private().context(not_ours)
}

/// Sets or ends an alarm. When it is set, RabbitMQ has to say so itself. The hits are the connections that it blocked,
/// which are known at its end.
async fn alarm(broker: &RabbitMq, set: &[&str], on: bool) -> Result<Hit> {
    if !on {
        let states = broker.ctl(&["list_connections", "state"]).await?;
        broker.ctl(set).await?;
        let count = states.lines().filter(|state| state.starts_with("block")).count() as u64;
        return Ok(Hit { count, what: format!("{count} connections were blocked") });
    }
    broker.ctl(set).await?;
    let deadline = Instant::now() + ALARM;
    while broker.ctl(&["eval", "rabbit_alarm:get_alarms()."]).await?.trim() == "[]" {
        ensure!(Instant::now() < deadline, "after {ALARM:?} RabbitMQ has no alarm");
    }
    Ok(Hit::default())
}

/// Connections to PostgreSQL that are taken, so that others find none.
///
/// `ALTER DATABASE ... CONNECTION LIMIT` would be simpler, but does not bind superusers, and the programs are connected
/// as one: their server is theirs alone. So the places are taken, by connections that say who they are and then keep
/// silent when they are asked for the password: that is as good as a session, and costs nobody the arithmetic of one.
#[derive(Debug)]
pub(super) struct TakenConnections(Vec<TcpStream>);

impl TakenConnections {
    /// Ends the sessions that others have on the server, and takes all connections but so many. Answers how many sessions
    /// that hit.
    pub async fn but(url: &str, left: usize) -> Result<(TakenConnections, Hit)> {
        let mut session = servers::connect(url).await?;
        let url = Url::parse(url).context("the database's URL cannot be read")?;
        let mut taken = Vec::new();
        let mut ended = 0;
        // Whoever is ended comes back: what becomes free in between has to be taken again.
        for _ in 0..ROUNDS {
            take_all(&url, &mut taken).await?;
            let others: Count = diesel::sql_query(END_OTHERS).get_result(&mut session).await?;
            ended += others.count as u64;
            if others.count == 0 {
                break;
            }
            tokio::time::sleep(FREED).await;
        }
        // Our own session's place becomes free too.
        drop(session);
        tokio::time::sleep(FREED).await;
        take_all(&url, &mut taken).await?;
        taken.truncate(taken.len().saturating_sub(left));
        let what = format!("{ended} sessions ended, {} connections taken", taken.len());
        Ok((TakenConnections(taken), Hit { count: ended, what }))
    }

    /// Gives them back.
    pub fn release(&mut self) {
        self.0.clear();
    }
}

async fn take_all(url: &Url, taken: &mut Vec<TcpStream>) -> Result<()> {
    while let Some(connection) = take(url).await? {
        taken.push(connection);
    }
    Ok(())
}

/// Takes a place on the server, or `None` where there is none left.
///
/// The message is the protocol's first: its length, its version (3.0), and names with their values
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
async fn take(url: &Url) -> Result<Option<TcpStream>> {
    let said = format!("user\0{}\0database\0{}\0\0", url.username(), url.path().trim_start_matches('/'));
    let mut message = (said.len() as u32 + 8).to_be_bytes().to_vec();
    message.extend(196_608u32.to_be_bytes());
    message.extend(said.as_bytes());
    let answer = async {
        let host = url.host_str().unwrap_or_default();
        let mut stream = TcpStream::connect((host, url.port().unwrap_or(5432))).await?;
        stream.write_all(&message).await?;
        // `R` asks for the password, and `E` is an error.
        let kind = stream.read_u8().await?;
        std::io::Result::Ok((kind == b'R').then_some(stream))
    };
    let answered = tokio::time::timeout(ANSWER, answer).await;
    Ok(answered.with_context(|| format!("PostgreSQL does not answer within {ANSWER:?}"))??)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}
