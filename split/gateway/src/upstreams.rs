//! Discovery without the registry: where an orchestrator runs the shop, a service has a name, and the settings are in a
//! mounted file.
//!
//! A name can stand for several addresses: one for each container, or for each pod of a headless service. Each of them
//! is an instance to the gateway, so load balancing, ejection and retries work as they do with the registry.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};
use platform::registration::http_url;
use platform::registry::{Instance, Snapshot};
use platform::settings::Settings;
use registry::Kept;
use tokio::net::lookup_host;
use tokio::sync::watch;
use tokio::time::timeout;

/// How often names are looked up and the file is read.
const EVERY: Duration = Duration::from_secs(1);
/// How long one look-up may take.
const LIMIT: Duration = Duration::from_secs(2);

/// A service and its address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    service: String,
    host: String,
    port: u16,
}

/// Parses `catalog=http://catalog:8080`.
pub fn named(text: &str) -> Result<Named, String> {
    let (service, url) = text.split_once('=').ok_or("it must look like catalog=http://catalog:8080")?;
    let url = http_url(url)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    Ok(Named { service: service.to_owned(), host, port: url.port_or_known_default().unwrap_or(80) })
}

/// Checks that each of these services has one address.
pub fn one_each(upstreams: Vec<Named>, services: &[&str]) -> Result<Vec<Named>> {
    for service in services {
        match upstreams.iter().filter(|named| named.service == *service).count() {
            1 => {}
            0 => bail!("--upstream {service}=URL is missing; the services are {}", services.join(", ")),
            _ => bail!("--upstream {service}=URL is given more than once; a name may have several addresses"),
        }
    }
    match upstreams.iter().find(|named| !services.contains(&named.service.as_str())) {
        Some(Named { service, .. }) => {
            bail!("--upstream {service}=URL is no service here; the services are {}", services.join(", "))
        }
        None => Ok(upstreams),
    }
}

/// Follows the addresses and the settings until the receiver is dropped. If a look-up fails, or the file cannot be read,
/// the last known state stays valid. The file must be readable at the start.
pub fn follow(upstreams: Vec<Named>, settings: Option<PathBuf>) -> Result<watch::Receiver<Snapshot>> {
    let mut state = State { upstreams, file: settings, known: Snapshot::default(), last_error: None };
    state.known.settings = state.read_settings()?;
    let (word, heard) = watch::channel(Snapshot::default());
    tokio::spawn(async move {
        while !word.is_closed() {
            let now = state.look().await;
            word.send_if_modified(|known| {
                let new = *known != now;
                *known = now;
                new
            });
            tokio::time::sleep(EVERY).await;
        }
    });
    Ok(heard)
}

struct State {
    upstreams: Vec<Named>,
    file: Option<PathBuf>,
    known: Snapshot,
    /// The last error, so that each is logged once.
    last_error: Option<String>,
}

impl State {
    async fn look(&mut self) -> Snapshot {
        let mut errors = Vec::new();
        let mut now = Snapshot { version: self.known.version, ..Snapshot::default() };
        for named in &self.upstreams {
            match instances(named).await {
                Ok(found) => now.instances.extend(found),
                Err(why) => {
                    errors.push(format!("{}: {why}", named.host));
                    let of_it = |instance: &&Instance| instance.service == named.service;
                    now.instances.extend(self.known.instances.iter().filter(of_it).cloned());
                }
            }
        }
        now.settings = self.read_settings().unwrap_or_else(|why| {
            errors.push(format!("{why:#}"));
            self.known.settings.clone()
        });
        if now != self.known {
            now.version += 1;
            self.known = now;
        }
        self.tell(errors);
        self.known.clone()
    }

    fn read_settings(&self) -> Result<Settings> {
        let file = self.file.clone().map(Kept::read).transpose()?;
        Ok(file.map(|(_, settings)| settings).unwrap_or_default())
    }

    fn tell(&mut self, errors: Vec<String>) {
        let error = (!errors.is_empty()).then(|| errors.join("; "));
        if error != self.last_error {
            match &error {
                Some(error) => tracing::warn!(error, "the last known addresses and settings stay in use"),
                None => tracing::info!("all names and settings are known again"),
            }
            self.last_error = error;
        }
    }
}

/// The instances behind a name, in a fixed order: resolvers return addresses in any order.
async fn instances(named: &Named) -> Result<Vec<Instance>, String> {
    let found = timeout(LIMIT, lookup_host((named.host.as_str(), named.port))).await;
    let found = found.map_err(|_| "looking it up took too long")?.map_err(|error| error.to_string())?;
    let mut found: Vec<_> = found.collect();
    found.sort_unstable();
    found.dedup();
    let instance = |address: std::net::SocketAddr| Instance {
        service: named.service.clone(),
        instance: format!("{}@{address}", named.service),
        address: format!("http://{address}"),
    };
    Ok(found.into_iter().map(instance).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(upstreams: &[&str]) -> Vec<Named> {
        upstreams.iter().map(|text| named(text).unwrap()).collect()
    }

    #[test]
    fn a_service_has_one_address() {
        let named_once = known(&["a=http://a:8080", "b=http://[::1]"]);
        assert_eq!((named_once[1].host.as_str(), named_once[1].port), ("::1", 80));
        assert_eq!(one_each(named_once.clone(), &["a", "b"]).unwrap(), named_once);
        for (upstreams, services) in [
            (known(&["a=http://a"]), vec!["a", "b"]),
            (known(&["a=http://a", "a=http://b"]), vec!["a"]),
            (known(&["a=http://a", "c=http://c"]), vec!["a"]),
        ] {
            assert!(one_each(upstreams, &services).is_err(), "{services:?}");
        }
        for bad in ["a", "a=", "a=b", "a=https://a", "a=http://a/x"] {
            assert!(named(bad).is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn a_bad_file_leaves_the_last_settings() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        std::fs::write(&file, r#"{"gateway.timeout_ms": 50}"#).unwrap();
        let upstreams = known(&["a=http://127.0.0.1:9"]);
        let mut state =
            State { upstreams, file: Some(file.clone()), known: Snapshot::default(), last_error: None };
        let first = state.look().await;
        assert_eq!(first.instances[0].address, "http://127.0.0.1:9");
        assert_eq!(first.settings.get(&registry::settings::GATEWAY_TIMEOUT), 50);
        assert_eq!(state.look().await, first);
        std::fs::write(&file, "{").unwrap();
        assert_eq!(state.look().await, first);
        assert!(state.last_error.is_some());
        std::fs::write(&file, r#"{"gateway.timeout_ms": 60}"#).unwrap();
        let second = state.look().await;
        assert_eq!(second.settings.get(&registry::settings::GATEWAY_TIMEOUT), 60);
        assert!(second.version > first.version && state.last_error.is_none());
    }
}
