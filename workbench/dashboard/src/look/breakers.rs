//! The circuit breakers of a gateway, from its `/health/dependencies`.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use reqwest::Client;
use serde::Deserialize;

use super::LIMIT;
use crate::sample::Breaker;
use crate::words;

/// Reads the breakers of one gateway.
#[derive(Default)]
pub(super) struct Breakers {
    client: Option<Client>,
}

#[derive(Deserialize)]
struct Dependency {
    service: String,
    instances: Vec<Instance>,
    breaker: State,
    permits: Permits,
}

#[derive(Deserialize)]
struct Instance {
    ejected: bool,
}

#[derive(Deserialize)]
struct State {
    state: String,
    since: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Permits {
    in_use: u64,
    limit: u64,
}

impl Breakers {
    pub(super) async fn now(&mut self, gateway: Option<&str>) -> Result<Vec<Breaker>> {
        let address = gateway.with_context(words::no_gateway)?;
        let client = match &self.client {
            Some(client) => client,
            None => self.client.insert(Client::builder().no_proxy().timeout(LIMIT).build()?),
        };
        let answer = client.get(format!("{address}/health/dependencies")).send().await?.error_for_status()?;
        Ok(answer.json::<Vec<Dependency>>().await?.into_iter().map(Dependency::shown).collect())
    }
}

impl Dependency {
    fn shown(self) -> Breaker {
        let ejected = self.instances.iter().filter(|instance| instance.ejected).count() as u64;
        Breaker {
            service: self.service,
            state: self.breaker.state,
            since: self.breaker.since,
            instances: self.instances.len() as u64 - ejected,
            ejected,
            in_use: self.permits.in_use,
            limit: self.permits.limit,
        }
    }
}
