//! A client of the registry: *client-side discovery* (Richardson, "Microservices Patterns").

use std::time::Duration;

use reqwest::{Client, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::idle;
use crate::settings::Settings;

/// How long one long poll stays open.
const WAIT: Duration = Duration::from_secs(10);

/// How long after [`WAIT`] a response may arrive before the registry counts as unreachable.
const MARGIN: Duration = Duration::from_secs(2);

/// The pause before an unreachable registry is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// The time limit for all other requests. The registry is on this machine and keeps everything in memory.
pub(crate) const LIMIT: Duration = Duration::from_millis(500);

/// A process that accepts requests.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Instance {
    /// The service, e.g. `orders`.
    pub service: String,
    /// The name of the instance, e.g. `orders-2`.
    pub instance: String,
    /// The base URL, e.g. `http://127.0.0.1:8001`.
    pub address: String,
}

/// The registry's complete state at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Changes with every change of the state. 0 before the first response.
    pub version: u64,
    /// The instances that are alive, by service and name.
    pub instances: Vec<Instance>,
    /// Instances without recent heartbeats whose port is still open: slow, or stopped; see rule 55 (silence).
    #[serde(default)]
    pub silent: Vec<Instance>,
    /// The settings that have been set; all others have their defaults.
    pub settings: Settings,
}

/// The body of a heartbeat, with which an instance says that it is alive.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// Where to send requests, e.g. `http://127.0.0.1:8001`.
    pub address: String,
}

/// The registry's response to a [`Heartbeat`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Rhythm {
    /// When the next heartbeat is expected, in milliseconds.
    pub heartbeat_ms: u64,
    /// When the instance is removed without one, in milliseconds.
    pub time_to_live_ms: u64,
}

/// A client for the registry. The caller sets each request's time limit.
pub(crate) fn client() -> Client {
    let client = Client::builder().no_proxy().connect_timeout(LIMIT).pool_idle_timeout(idle::CLIENT);
    client.tcp_nodelay(true).build().expect("the settings are valid")
}

/// Follows the registry's state until the receiver is dropped. While the registry is unreachable, the last known state
/// stays valid.
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
                        tracing::warn!(%error, %registry, "the registry is unreachable; its last state stays in use");
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    });
    heard
}

/// Waits for a version other than `after`, and returns the current state at the latest when the time is up (*long
/// polling*).
async fn news(client: &Client, registry: &Url, after: u64) -> reqwest::Result<Snapshot> {
    let mut url = registry.clone();
    url.set_path("/watch");
    url.set_query(Some(&format!("after={after}&wait={}", WAIT.as_secs())));
    let answer = client.get(url).timeout(WAIT + MARGIN).send().await?;
    answer.error_for_status()?.json().await
}
