//! A *rolling deployment*: replaces each instance while the others serve. The new instance starts first, and the old
//! one is stopped only when the new one is ready. So there are never fewer instances than before.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{GRACE, Supervisor};
use crate::Recipe;

/// The replacement of one instance by another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replacement {
    /// The old instance.
    pub old: String,
    /// The new instance.
    pub new: String,
    /// Milliseconds from the start of the new instance until it was ready.
    pub ready_ms: f64,
    /// Milliseconds from then until the old instance had finished its work and ended.
    pub drained_ms: f64,
}

/// A finished deployment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// The deployed service.
    pub service: String,
    /// One entry per instance.
    pub replacements: Vec<Replacement>,
    /// Total duration in milliseconds.
    pub took_ms: f64,
}

impl Supervisor {
    /// Replaces every instance of a service, one after the other.
    pub async fn deploy(&self, service: &str) -> Result<Deployment> {
        self.redeploy(service, |_| ()).await
    }

    /// The same, with changes to the recipe of the new instances.
    pub(crate) async fn redeploy(&self, service: &str, change: impl Fn(&mut Recipe)) -> Result<Deployment> {
        let service = self.service(service).await?;
        let _one_at_a_time = self.0.changing.lock().await;
        let began = Instant::now();
        // Not in the loop's head, which would keep the shop locked until the end.
        let running = self.shop().await.instances(&service);
        let mut leaving = JoinSet::new();
        for old in running {
            let started = Instant::now();
            let new = self.add_changed(&service, &change).await?;
            let ready = started.elapsed();
            let member = self.take(&old).await?;
            // The next instance may start while this one still finishes its work.
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
