//! Counts the messages that a split shop still has at its broker: ready in a queue, or delivered and not
//! acknowledged.

use std::collections::HashMap;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, anyhow, ensure};
use lapin::options::{BasicGetOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{Channel, Connection, ConnectionProperties};
use serde::Deserialize;

use super::Subject;
use crate::words;
use terminal::language::seconds;
use topology::BrokerControl;

/// The time limit for the broker, far longer than a healthy one needs.
const LIMIT: Duration = Duration::from_secs(10);

/// The time limit for `rabbitmqctl`, which first starts its own Erlang.
const CONTROL: Duration = Duration::from_secs(180);

/// How long counts may take to become final: a quorum queue reports a delivery with a short delay.
const SETTLING: Duration = Duration::from_secs(5);

/// Longer than the 5 s between the reports of a quorum queue.
const TICK: Duration = Duration::from_secs(6);

/// The maximum number of dead letters to read.
const LOOKED_INTO: u64 = 200;

/// The messages found at the broker.
#[derive(Debug)]
pub(super) enum Queues {
    /// The shop has no broker.
    None,
    /// All queues of the shop.
    Counted(Counted),
}

/// The queues of a shop.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub queues: Vec<Queue>,
    /// Ids of dead letters, with their queues. Read only if the ids of the poison are known too.
    pub letters: Vec<(String, String)>,
}

/// A queue.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    pub name: String,
    /// Messages ready in it.
    pub ready: u64,
    /// Messages that were delivered and not acknowledged. AMQP does not report them; `None` if Cleave did not start
    /// the broker, because then there is no other way to ask.
    pub taken: Option<u64>,
}

/// Counts the messages of every queue, and consumes none.
pub(super) async fn read(subject: &Subject) -> anyhow::Result<Queues> {
    let (Some(url), Some(namespace)) = (&subject.shop.amqp_url, &subject.shop.namespace) else {
        return Ok(Queues::None);
    };
    let expected = &subject.expected;
    let counting = async {
        let connection = Connection::connect(url, ConnectionProperties::default()).await?;
        let channel = connection.create_channel().await?;
        let started = tokio::time::Instant::now();
        let queues = loop {
            let queues = count(&channel, namespace, &subject.shop.driver.services()).await?;
            if settled(&queues, expected.poison) || started.elapsed() > SETTLING {
                break queues;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        let letters = match expected.poison_ids {
            Some(_) if expected.poison > 0 => look_into(&connection, &queues).await?,
            _ => Vec::new(),
        };
        connection.close(200, "counted".into()).await?;
        Ok::<_, lapin::Error>(Counted { queues, letters })
    };
    let mut counted = tokio::time::timeout(LIMIT, counting)
        .await
        .map_err(|_| anyhow!(words::broker_silent(seconds(LIMIT))))?
        .with_context(|| words::cannot_count(namespace))?;
    if let Some(control) = &subject.shop.broker {
        let taken = taken(control).await.with_context(words::cannot_ask_for_taken)?;
        for queue in &mut counted.queues {
            queue.taken = taken.get(&queue.name).copied();
        }
    }
    Ok(Queues::Counted(counted))
}

fn settled(queues: &[Queue], poison: u64) -> bool {
    queues.iter().map(|queue| queue.ready).sum::<u64>() == poison
}

/// The number of dead letters of these services.
pub(super) async fn dead_letters(
    channel: &Channel,
    namespace: &str,
    services: &[&str],
) -> Result<u64, lapin::Error> {
    let mut letters = 0;
    for service in services {
        letters += messages(channel, &format!("{namespace}.{service}.dead")).await?;
    }
    Ok(letters)
}

async fn count(channel: &Channel, namespace: &str, services: &[&str]) -> Result<Vec<Queue>, lapin::Error> {
    let mut queues = Vec::new();
    for service in services {
        for suffix in ["", ".retry", ".taken-out", ".dead"] {
            let name = format!("{namespace}.{service}{suffix}");
            let ready = messages(channel, &name).await?;
            queues.push(Queue { name, ready, taken: None });
        }
    }
    Ok(queues)
}

async fn messages(channel: &Channel, queue: &str) -> Result<u64, lapin::Error> {
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let queue = channel.queue_declare(queue.into(), passive, FieldTable::default()).await?;
    Ok(queue.message_count().into())
}

/// Reads the id of a shop's message from its body.
#[derive(Deserialize)]
struct Identified {
    id: String,
}

/// The ids of the dead letters that are messages of the shop. Unacknowledged messages return to their queue when the
/// channel closes.
async fn look_into(connection: &Connection, queues: &[Queue]) -> Result<Vec<(String, String)>, lapin::Error> {
    let channel = connection.create_channel().await?;
    let mut letters = Vec::new();
    for queue in queues.iter().filter(|queue| queue.is_dead()) {
        for _ in 0..queue.ready.min(LOOKED_INTO) {
            let name = queue.name.as_str().into();
            let Some(letter) = channel.basic_get(name, BasicGetOptions::default()).await? else { break };
            if let Ok(Identified { id }) = serde_json::from_slice(&letter.data) {
                letters.push((id, queue.name.clone()));
            }
        }
    }
    channel.close(200, "looked".into()).await?;
    Ok(letters)
}

/// Unacknowledged messages by queue, as of the broker's last report. A message acknowledged since then is still
/// counted, so the count is repeated; one delivered since then is missing.
async fn taken(control: &BrokerControl) -> anyhow::Result<HashMap<String, u64>> {
    let first = ask(control).await?;
    if first.values().all(|taken| *taken == 0) {
        return Ok(first);
    }
    tokio::time::sleep(TICK).await;
    ask(control).await
}

async fn ask(control: &BrokerControl) -> anyhow::Result<HashMap<String, u64>> {
    let [program, arguments @ ..] = &control.command[..] else { return Err(anyhow!("it has no program")) };
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).args(["list_queues", "name", "messages_unacknowledged"]);
    command.env_clear().envs(&control.environment).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(CONTROL, command.output())
        .await
        .with_context(|| words::took_too_long(program, seconds(CONTROL)))?
        .with_context(|| words::cannot_run(program))?;
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), words::program_failed(program, said.trim()));
    Ok(read_taken(&said))
}

fn read_taken(text: &str) -> HashMap<String, u64> {
    let line = |line: &str| {
        let (name, taken) = line.split_once('\t')?;
        Some((name.to_owned(), taken.trim().parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

impl Queue {
    pub fn is_dead(&self) -> bool {
        self.name.ends_with(".dead")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_broker_says_is_read() {
        let said =
            read_taken("name\tmessages_unacknowledged\nshop-1.orders\t0\nshop-1.orders.retry\t17\n\nx\n");
        assert_eq!(said, HashMap::from([("shop-1.orders".into(), 0), ("shop-1.orders.retry".into(), 17)]));
    }
}
