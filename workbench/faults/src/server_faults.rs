//! Faults of the servers. They apply only to servers that Cleave started.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::act::{Hit, ServerAct};
use crate::words;
use servers::{Infrastructure, Postgres, RabbitMq};
use terminal::language::seconds;

/// RabbitMQ's default memory limit, restored afterwards.
const MEMORY: &str = "0.4";
/// The disk limit in the configuration of a private RabbitMQ, restored afterwards.
const DISK: &str = "50MB";
/// How long RabbitMQ may take to raise an alarm.
const ALARM: Duration = Duration::from_secs(30);
/// How long PostgreSQL may take to respond to a new connection.
const ANSWER: Duration = Duration::from_secs(10);
/// Enough time for a terminated backend to exit and free its connection slot.
const FREED: Duration = Duration::from_millis(100);
/// How often sessions that reconnect are terminated again.
const ROUNDS: usize = 3;
/// After this time PostgreSQL closes connections that have sent no password (`authentication_timeout`).
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// Terminates every other session. A session that has not sent its password yet has no user.
const END_OTHERS: &str = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND usesysid IS NOT NULL AND pid <> pg_backend_pid()";

impl ServerAct {
    /// Performs the action.
    pub async fn perform(self, infra: &mut Infrastructure) -> Result<Hit> {
        match self {
            ServerAct::EndDatabase => {
                database(infra)?.kill_hard()?;
                Ok(Hit::one(words::server_killed("PostgreSQL")))
            }
            ServerAct::RestartDatabase => {
                let began = Instant::now();
                database(infra)?.restart().await?;
                Ok(Hit::one(words::server_back("PostgreSQL", began.elapsed().as_millis())))
            }
            ServerAct::DiskFull(true) => {
                database(infra)?.fill_disk().await?;
                Ok(Hit::default())
            }
            ServerAct::DiskFull(false) => {
                let count = database(infra)?.free_disk().await?;
                Ok(Hit { count, what: words::no_space(count) })
            }
            ServerAct::EndBroker => {
                broker(infra)?.kill_hard()?;
                Ok(Hit::one(words::server_killed("RabbitMQ")))
            }
            ServerAct::RestartBroker => {
                let began = Instant::now();
                broker(infra)?.restart().await?;
                Ok(Hit::one(words::server_back("RabbitMQ", began.elapsed().as_millis())))
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
    infra.postgres.running.private().with_context(|| words::not_our_server("PostgreSQL"))
}

fn broker(infra: &mut Infrastructure) -> Result<&mut RabbitMq> {
    let broker = infra.rabbitmq.as_mut().with_context(words::no_broker)?;
    broker.running.private().with_context(|| words::not_our_server("RabbitMQ"))
}

/// Sets or clears an alarm. After setting it, waits until RabbitMQ reports it. The hits are the blocked connections,
/// which are counted when the alarm is cleared.
async fn alarm(broker: &RabbitMq, set: &[&str], on: bool) -> Result<Hit> {
    if !on {
        let states = broker.ctl(&["list_connections", "state"]).await?;
        broker.ctl(set).await?;
        let count = states.lines().filter(|state| state.starts_with("block")).count() as u64;
        return Ok(Hit { count, what: words::connections_blocked(count) });
    }
    broker.ctl(set).await?;
    let deadline = Instant::now() + ALARM;
    while broker.ctl(&["eval", "rabbit_alarm:get_alarms()."]).await?.trim() == "[]" {
        ensure!(Instant::now() < deadline, words::no_alarm(seconds(ALARM)));
    }
    Ok(Hit::default())
}

/// Connection slots of PostgreSQL that are occupied, so that others find none.
///
/// `ALTER DATABASE ... CONNECTION LIMIT` would be simpler, but it does not apply to superusers, and the programs
/// connect as one, because the server is theirs alone. So the slots are occupied by connections that send a user
/// name, and then nothing when the server asks for the password. Such a connection occupies a slot like a session,
/// without the cost of password hashing.
#[derive(Debug)]
pub(super) struct TakenConnections(Vec<TcpStream>);

impl TakenConnections {
    /// Terminates the sessions of others on the server, and occupies all connection slots except `left`. The hits are
    /// the terminated sessions.
    pub async fn but(url: &str, left: usize) -> Result<(TakenConnections, Hit)> {
        let mut session = servers::connect(url).await?;
        let url = Url::parse(url).with_context(words::url_unreadable)?;
        let mut taken = Vec::new();
        let mut ended = 0;
        // Terminated clients reconnect. Slots that become free in between have to be occupied again.
        for _ in 0..ROUNDS {
            take_all(&url, &mut taken).await?;
            let others: Count = diesel::sql_query(END_OTHERS).get_result(&mut session).await?;
            ended += others.count as u64;
            if others.count == 0 {
                break;
            }
            tokio::time::sleep(FREED).await;
        }
        // The slot of this function's own session becomes free too.
        drop(session);
        tokio::time::sleep(FREED).await;
        take_all(&url, &mut taken).await?;
        taken.truncate(taken.len().saturating_sub(left));
        let what = words::connections_taken(ended, taken.len());
        Ok((TakenConnections(taken), Hit { count: ended, what }))
    }

    /// Frees the slots.
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

/// Occupies a slot on the server; `None` if there is no free one.
///
/// The message is the first one of the protocol: its length, its version (3.0), and names with values
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
        // `R` requests the password, `E` is an error.
        let kind = stream.read_u8().await?;
        std::io::Result::Ok((kind == b'R').then_some(stream))
    };
    let answered = tokio::time::timeout(ANSWER, answer).await;
    Ok(answered.with_context(|| words::postgres_silent(seconds(ANSWER)))??)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}
