//! Registers a program with the registry: *self registration* (Richardson, "Microservices Patterns").

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use reqwest::{Client, Url};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::listen::Listen;
use crate::registry::{self, Heartbeat, Instance, LIMIT, Rhythm, Snapshot};
use crate::settings::DRAIN_GRACE;

/// The time limit for a program's own readiness probe. Longer than the limit for its database.
const PROBE: Duration = Duration::from_millis(1500);

/// The pause before trying again if the program is not ready or the registry is unreachable.
const AGAIN: Duration = Duration::from_millis(50);

/// Where a program listens and how it registers.
#[derive(Debug, Clone, Args)]
pub struct Endpoint {
    /// Where it listens.
    #[command(flatten)]
    pub at: Listen,
    /// Registry to register with, e.g. http://127.0.0.1:8000. Without it, clients must know the program's address.
    #[arg(long, env = "CLEAVE_REGISTRY", value_name = "URL", value_parser = http_url)]
    registry: Option<Url>,
    /// Name of this process in the registry. Instances of one service need different names.
    #[arg(long, env = "CLEAVE_INSTANCE", value_name = "NAME")]
    instance: Option<String>,
    /// Address to register, if it differs from the address that the program listens at.
    #[arg(long, env = "CLEAVE_ADVERTISE", value_name = "URL", value_parser = http_url)]
    advertise: Option<Url>,
}

impl Endpoint {
    /// The name of this instance of the service.
    pub fn instance<'a>(&'a self, service: &'a str) -> &'a str {
        self.instance.as_deref().unwrap_or(service)
    }

    /// The registration for this service, if `--registry` is set.
    pub fn registration(&self, service: &str) -> Option<Registration> {
        Some(Registration {
            registry: self.registry.clone()?,
            service: service.to_owned(),
            instance: self.instance(service).to_owned(),
            advertise: self.advertise.clone(),
        })
    }
}

/// Parses the base URL of an HTTP server, without a path.
pub fn http_url(text: &str) -> Result<Url, String> {
    let url = text.parse::<Url>().ok();
    url.filter(|url| url.scheme() == "http" && url.has_host() && url.path() == "/")
        .ok_or_else(|| "it must look like http://127.0.0.1:8000".into())
}

/// What to register, and where.
#[derive(Debug)]
pub struct Registration {
    registry: Url,
    service: String,
    instance: String,
    advertise: Option<Url>,
}

/// The error for a registration that no client could use.
const NO_ADDRESS: &str = "is every address of this machine; give the one to register with --advertise";

/// An active registration.
pub(crate) struct Registered {
    leave: oneshot::Sender<()>,
    beating: JoinHandle<()>,
    heard: watch::Receiver<Snapshot>,
}

impl Registration {
    /// Fails if clients could not use the address that would be registered.
    pub(crate) fn check(&self, listening: SocketAddr) -> anyhow::Result<()> {
        ensure!(
            self.advertise.is_some() || !listening.ip().is_unspecified(),
            "{} {NO_ADDRESS}",
            listening.ip()
        );
        Ok(())
    }

    /// Starts to register the program at this address, for as long as it is ready.
    pub(crate) fn begin(self, listening: SocketAddr) -> Registered {
        let heard = registry::follow(self.registry.clone());
        let (leave, left) = oneshot::channel();
        let address = self.advertise.as_ref().map_or(format!("http://{listening}"), |url| {
            // A URL ends with a slash, an address does not.
            url.as_str().trim_end_matches('/').to_owned()
        });
        let heart = Heart {
            client: registry::client(),
            registry: self.registry,
            readiness: format!("http://{listening}/health/ready"),
            known_as: Instance { service: self.service, instance: self.instance, address },
        };
        Registered { leave, beating: tokio::spawn(heart.beat(left)), heard }
    }
}

impl Registered {
    /// Deregisters, then waits until every client must have noticed.
    pub(crate) async fn end(self) {
        let _ = self.leave.send(());
        let _ = self.beating.await;
        let grace = self.heard.borrow().settings.time(&DRAIN_GRACE);
        tokio::time::sleep(grace).await;
    }
}

struct Heart {
    client: Client,
    registry: Url,
    readiness: String,
    known_as: Instance,
}

impl Heart {
    /// Sends heartbeats until told to stop, then deregisters.
    async fn beat(self, mut leave: oneshot::Receiver<()>) {
        let mut known = false;
        loop {
            let rhythm = self.say_if_ready().await;
            match (known, &rhythm) {
                (false, Ok(_)) => {
                    tracing::info!(instance = self.known_as.instance, "registered with the registry")
                }
                (true, Err(why)) => tracing::warn!(why, "no longer registered with the registry"),
                _ => {}
            }
            known = rhythm.is_ok();
            tokio::select! {
                () = tokio::time::sleep(rhythm.unwrap_or(AGAIN)) => {}
                _ = &mut leave => break,
            }
        }
        if let Err(error) = self.take_leave().await {
            tracing::warn!(%error, "deregistering failed; the registry will notice on its own");
        }
    }

    /// Probes its own readiness as any client would, and sends a heartbeat if it is ready: readiness gates traffic.
    /// Returns when to send the next one, or why this one was not sent.
    async fn say_if_ready(&self) -> Result<Duration, String> {
        let ready = self.client.get(&self.readiness).timeout(PROBE).send().await;
        if !ready.map_err(|error| error.to_string())?.status().is_success() {
            return Err("it is not ready".into());
        }
        let body = Heartbeat { address: self.known_as.address.clone() };
        let said = self.client.put(self.url()).timeout(LIMIT).json(&body).send().await;
        let answer = said.and_then(reqwest::Response::error_for_status).map_err(|error| error.to_string())?;
        let rhythm: Rhythm = answer.json().await.map_err(|error| error.to_string())?;
        Ok(Duration::from_millis(rhythm.heartbeat_ms))
    }

    /// Sends the address too, so that a successor with the same name stays registered.
    async fn take_leave(&self) -> reqwest::Result<()> {
        let mut url = self.url();
        url.query_pairs_mut().append_pair("address", &self.known_as.address);
        self.client.delete(url).timeout(LIMIT).send().await?.error_for_status()?;
        Ok(())
    }

    fn url(&self) -> Url {
        let mut url = self.registry.clone();
        url.set_path(&format!("/instances/{}/{}", self.known_as.service, self.known_as.instance));
        url
    }
}
