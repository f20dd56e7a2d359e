//! A *rolling deployment*: each instance is replaced by a new one while the others serve. The new one comes first, and the
//! old one goes only when the new one is ready, so that there is never one fewer.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{GRACE, Supervisor};

/// One instance for another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replacement {
    /// The instance that went.
    pub old: String,
    /// The instance that came.
    pub new: String,
    /// Milliseconds from the start of the new one until it was ready.
    pub ready_ms: f64,
    /// Milliseconds from then on until the old one had finished what it had and ended.
    pub drained_ms: f64,
}

/// A deployment that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// What was deployed.
    pub service: String,
    /// Instance by instance.
    pub replacements: Vec<Replacement>,
    /// Milliseconds in all.
    pub took_ms: f64,
}

impl Supervisor {
    /// Replaces every instance of a service, one after the other.
    pub async fn deploy(&self, service: &str) -> Result<Deployment> {
        let service = self.service(service).await?;
        let _one_at_a_time = self.0.changing.lock().await;
        let began = Instant::now();
        // Not in the head of the loop, where the shop would stay locked until the end.
        let running = self.shop().await.instances(&service);
        let mut leaving = JoinSet::new();
        for old in running {
            let started = Instant::now();
            let new = self.add(&service).await?;
            let ready = started.elapsed();
            let member = self.take(&old).await?;
            // The next one may come while this one finishes what it has.
            let supervisor = self.clone();
            leaving.spawn(async move {
                let told = Instant::now();
                member.stop(GRACE).await?;
                supervisor.journal().info(&old, format!("replaced by {new}"));
                anyhow::Ok(Replacement { old, new, ready_ms: ms(ready), drained_ms: ms(told.elapsed()) })
            });
        }
        let mut replacements = Vec::new();
        while let Some(replaced) = leaving.join_next().await {
            replacements.push(replaced.context("an instance was not waited for")??);
        }
        Ok(Deployment { service, replacements, took_ms: ms(began.elapsed()) })
    }
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
