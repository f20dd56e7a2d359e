//! How a program makes itself known to the registry: *self registration* (Richardson, "Microservices Patterns").

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use reqwest::{Client, Url};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::registry::{self, Heartbeat, Instance, LIMIT, Rhythm, Snapshot};
use crate::settings::DRAIN_GRACE;

/// How long a program may take to say whether it is ready. More than its database may take.
const PROBE: Duration = Duration::from_millis(1500);

/// How soon a program that is not ready, or a registry that is away, is asked again.
const AGAIN: Duration = Duration::from_millis(50);

/// Where a program listens, and how it makes itself known.
#[derive(Debug, Clone, Args)]
pub struct Endpoint {
    /// The TCP port on 127.0.0.1; 0 takes a free one, which the first line on standard output names.
    #[arg(long, env = "CLEAVE_PORT", default_value_t = 0)]
    pub port: u16,
    /// The registry to be known to, as http://127.0.0.1:8000. Without one the program is found by whoever knows where
    /// it is.
    #[arg(long, env = "CLEAVE_REGISTRY", value_name = "URL", value_parser = http_url)]
    registry: Option<Url>,
    /// What this process is called there. Each beside others that do the same needs its own name.
    #[arg(long, env = "CLEAVE_INSTANCE", value_name = "NAME")]
    instance: Option<String>,
    /// The address that is made known there, where it is not the one that the program listens at.
    #[arg(long, env = "CLEAVE_ADVERTISE", value_name = "URL", value_parser = http_url)]
    advertise: Option<Url>,
}

impl Endpoint {
    /// What an instance of this service is called here.
    pub fn instance<'a>(&'a self, service: &'a str) -> &'a str {
        self.instance.as_deref().unwrap_or(service)
    }

    /// How an instance of this service makes itself known, if it is to.
    pub fn registration(&self, service: &str) -> Option<Registration> {
        Some(Registration {
            registry: self.registry.clone()?,
            service: service.to_owned(),
            instance: self.instance(service).to_owned(),
            advertise: self.advertise.clone(),
        })
    }
}

/// Reads the address of a program that answers HTTP, with no path.
pub fn http_url(text: &str) -> Result<Url, String> {
    let url = text.parse::<Url>().ok();
    url.filter(|url| url.scheme() == "http" && url.has_host() && url.path() == "/")
        .ok_or_else(|| "it must look like http://127.0.0.1:8000".into())
}

/// What is to be made known, and to whom.
#[derive(Debug)]
pub struct Registration {
    registry: Url,
    service: String,
    instance: String,
    advertise: Option<Url>,
}

/// A registration that is kept up.
pub(crate) struct Registered {
    leave: oneshot::Sender<()>,
    beating: JoinHandle<()>,
    heard: watch::Receiver<Snapshot>,
}

impl Registration {
    /// From now on a program that listens here is in the registry while it is ready.
    pub(crate) fn begin(self, listening: SocketAddr) -> Registered {
        let heard = registry::follow(self.registry.clone());
        let (leave, left) = oneshot::channel();
        let address = self.advertise.as_ref().map_or(format!("http://{listening}"), |url| {
            // A URL ends with the slash of its path, and an address has none.
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
    /// Takes leave, then waits until everybody must have heard of it.
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
    /// Beats until it is told to leave, and then says so.
    async fn beat(self, mut leave: oneshot::Receiver<()>) {
        let mut known = false;
        loop {
            let rhythm = self.say_if_ready().await;
            match (known, &rhythm) {
                (false, Ok(_)) => tracing::info!(instance = self.known_as.instance, "known to the registry"),
                (true, Err(why)) => tracing::warn!(why, "no longer known to the registry"),
                _ => {}
            }
            known = rhythm.is_ok();
            tokio::select! {
                () = tokio::time::sleep(rhythm.unwrap_or(AGAIN)) => {}
                _ = &mut leave => break,
            }
        }
        if let Err(error) = self.take_leave().await {
            tracing::warn!(%error, "the registry did not hear that this instance leaves, and will see it");
        }
    }

    /// Asks itself what anybody would ask, and if the answer is yes tells the registry. Readiness gates traffic.
    /// Answers when to say it again, or why it was not said.
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

    /// With the address, so that a successor of the same name stays.
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
