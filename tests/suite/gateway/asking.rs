//! Clients that send the same request again and again, and the responses that they get.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use parking_lot::Mutex;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tests::{World, eventually};
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

/// Between two reads, and between two orders. They are sent whether earlier ones were answered or not, like
/// requests of independent clients.
const READS_APART: Duration = Duration::from_millis(30);
const ORDERS_APART: Duration = Duration::from_millis(100);

/// The request.
#[derive(Clone)]
pub enum Question {
    /// `GET` of this path.
    Get(String),
    /// An order, with a new key each time.
    Order(Value),
}

/// The part of a response that matters here.
pub struct Seen {
    /// `None` if the connection broke.
    pub status: Option<StatusCode>,
    stale: bool,
    text: String,
}

impl Seen {
    /// Whether it is what was asked for, and not stale.
    pub fn is_good(&self) -> bool {
        self.status.is_some_and(|status| status.is_success()) && !self.stale
    }
}

/// A request that is sent to the gateway repeatedly.
pub struct Asking {
    stop: Arc<AtomicBool>,
    /// The responses so far.
    seen: Arc<Mutex<Vec<Seen>>>,
    asking: JoinHandle<()>,
}

impl Asking {
    /// Starts sending.
    pub fn start(world: &World, question: Question) -> Asking {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, noted, address) = (stop.clone(), seen.clone(), world.address.clone());
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
                let noted = noted.clone();
                under_way.spawn(async move {
                    let response = ask(&client, &address, &question).await;
                    noted.lock().push(response);
                });
            }
            under_way.join_all().await;
        });
        Asking { stop, seen, asking }
    }

    /// Waits until there are this many further responses of this kind.
    pub async fn until(&self, further: usize, kind: &str, is_of_it: impl Fn(&Seen) -> bool) -> Result<()> {
        let number = || self.seen.lock().iter().filter(|seen| is_of_it(seen)).count();
        let goal = number() + further;
        eventually(&format!("{further} more responses are {kind}"), async || {
            Ok((number() >= goal).then_some(()))
        })
        .await
    }

    /// Waits until there are this many further good responses.
    pub async fn proceed(&self, further: usize) -> Result<()> {
        self.until(further, "good", Seen::is_good).await
    }

    /// Stops, and returns all responses.
    pub async fn finish(self) -> Result<Vec<Seen>> {
        self.stop.store(true, Ordering::Relaxed);
        self.asking.await?;
        Ok(std::mem::take(&mut *self.seen.lock()))
    }

    /// Stops, and fails unless all responses were good. Returns their number.
    pub async fn finish_well(self) -> Result<usize> {
        let seen = self.finish().await?;
        let bad: Vec<_> = seen.iter().filter(|seen| !seen.is_good()).collect();
        let first = bad.first().map_or("", |seen| &seen.text);
        ensure!(bad.is_empty(), "{} of {} requests failed, the first: {first}", bad.len(), seen.len());
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
