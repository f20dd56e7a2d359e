//! What the registry says, and how it is followed: *client-side discovery* (Richardson, "Microservices Patterns").

use std::time::Duration;

use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::idle;
use crate::settings::Settings;

/// How long one question for news may stay open.
const WAIT: Duration = Duration::from_secs(10);

/// How much later than [`WAIT`] an answer may come before the registry counts as away.
const MARGIN: Duration = Duration::from_secs(2);

/// How long to wait before a registry that is away is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// How long anything else that the registry is asked may take. It is on this machine and has everything in memory.
pub(crate) const LIMIT: Duration = Duration::from_millis(500);

/// A process that requests can be sent to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Instance {
    /// What it does, as `orders`.
    pub service: String,
    /// Which of those that do it, as `orders-2`.
    pub instance: String,
    /// Where it is, as `http://127.0.0.1:8001`.
    pub address: String,
}

/// All that the registry knows at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Changes with everything else. 0 is before the first word.
    pub version: u64,
    /// Who is there, by service and instance.
    pub instances: Vec<Instance>,
    /// Who was there, is not heard of any more, and has its port open all the same: slow, or stopped (rule 55).
    #[serde(default)]
    pub silent: Vec<Instance>,
    /// Every setting that somebody has set; the others have their defaults.
    pub settings: Settings,
}

/// The body by which an instance says that it is there, and still there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Where requests to it are sent, as `http://127.0.0.1:8001`.
    pub address: String,
}

/// The registry's answer to a [`Heartbeat`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Rhythm {
    /// When the next is expected, in milliseconds.
    pub heartbeat_ms: u64,
    /// When it is forgotten without one, in milliseconds.
    pub time_to_live_ms: u64,
}

/// A client for the registry; a bound for each request is the caller's.
pub(crate) fn client() -> Client {
    let client = Client::builder().no_proxy().connect_timeout(LIMIT).pool_idle_timeout(idle::CLIENT);
    client.tcp_nodelay(true).build().expect("the settings are valid")
}

/// Follows what the registry says, until nobody holds the receiver any more. While the registry is away, its last word
/// stands.
pub fn follow(registry: Url) -> watch::Receiver<Snapshot> {
    let (word, heard) = watch::channel(Snapshot::default());
    tokio::spawn(async move {
        let client = client();
        let mut away = false;
        while !word.is_closed() {
            let after = word.borrow().version;
            match news(&client, &registry, after).await {
                Ok(snapshot) => {
                    if std::mem::take(&mut away) {
                        tracing::info!("the registry is back");
                    }
                    word.send_if_modified(|known| {
                        let new = known.version != snapshot.version;
                        *known = snapshot;
                        new
                    });
                }
                Err(error) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(%error, %registry, "the registry is away; its last word stands");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    });
    heard
}

/// Asks for another version than this one, and takes what there is when the time is over (*long polling*).
async fn news(client: &Client, registry: &Url, after: u64) -> reqwest::Result<Snapshot> {
    let mut url = registry.clone();
    url.set_path("/watch");
    url.set_query(Some(&format!("after={after}&wait={}", WAIT.as_secs())));
    let answer = client.get(url).timeout(WAIT + MARGIN).send().await?;
    answer.error_for_status()?.json().await
}
