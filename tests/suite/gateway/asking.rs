//! People who ask the shop something, again and again, and what they get.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tests::World;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

/// Between two reads, and between two orders. They come whether those before were answered or not, as from people who
/// know nothing of each other.
const READS_APART: Duration = Duration::from_millis(30);
const ORDERS_APART: Duration = Duration::from_millis(100);

/// What is asked for.
#[derive(Clone)]
pub enum Question {
    /// What is at this path.
    Get(String),
    /// An order under a new key each time.
    Order(Value),
}

/// An answer, as far as it matters here.
pub struct Seen {
    /// `None` where the connection broke.
    pub status: Option<StatusCode>,
    stale: bool,
    text: String,
}

impl Seen {
    /// Whether it is what was asked for, and fresh.
    fn is_good(&self) -> bool {
        self.status.is_some_and(|status| status.is_success()) && !self.stale
    }
}

/// The same question, asked at the door again and again.
pub struct Asking {
    stop: Arc<AtomicBool>,
    asking: JoinHandle<Vec<Seen>>,
}

impl Asking {
    /// Asks from now on.
    pub fn start(world: &World, question: Question) -> Asking {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, address) = (stop.clone(), world.address.clone());
        let asking = tokio::spawn(async move {
            let client = Client::builder().no_proxy().build().expect("the settings are valid");
            let apart = match question {
                Question::Get(_) => READS_APART,
                Question::Order(_) => ORDERS_APART,
            };
            let (mut under_way, mut ticks) = (JoinSet::new(), tokio::time::interval(apart));
            while !stopped.load(Ordering::Relaxed) {
                ticks.tick().await;
                let (client, address, question) = (client.clone(), address.clone(), question.clone());
                under_way.spawn(async move { ask(&client, &address, &question).await });
            }
            under_way.join_all().await
        });
        Asking { stop, asking }
    }

    /// Stops, and gives all answers.
    pub async fn finish(self) -> Result<Vec<Seen>> {
        self.stop.store(true, Ordering::Relaxed);
        Ok(self.asking.await?)
    }

    /// Stops, and fails unless there were so many answers, and all good.
    pub async fn finish_well(self, at_least: usize) -> Result<usize> {
        let seen = self.finish().await?;
        let bad: Vec<_> = seen.iter().filter(|seen| !seen.is_good()).collect();
        let first = bad.first().map_or("", |seen| &seen.text);
        ensure!(bad.is_empty(), "{} of {} requests failed, the first: {first}", bad.len(), seen.len());
        ensure!(seen.len() >= at_least, "only {} requests were sent", seen.len());
        Ok(seen.len())
    }
}

async fn ask(client: &Client, address: &str, question: &Question) -> Seen {
    let request = match question {
        Question::Get(path) => client.get(format!("{address}{path}")),
        Question::Order(order) => {
            let key = Uuid::new_v4().to_string();
            client.post(format!("{address}/orders")).header("idempotency-key", key).json(order)
        }
    };
    match request.send().await {
        Ok(answer) => {
            let (status, stale) = (answer.status(), answer.headers().contains_key("cleave-degraded"));
            let text = answer.text().await;
            Seen { status: text.is_ok().then_some(status), stale, text: text.unwrap_or_default() }
        }
        Err(error) => Seen { status: None, stale: false, text: error.to_string() },
    }
}
