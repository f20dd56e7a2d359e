//! Executes the actions of faults on a shop's processes and servers.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::{Mutex, mpsc};

use super::Supervisor;
use crate::shared::Shared;
use crate::words;
use faults::{Act, Hit, Request};
use servers::Infrastructure;

/// Executes requests until all senders are gone. Each runs in its own task, so a server that is slow to restart does
/// not delay other faults.
pub(super) async fn obey(
    supervisor: Supervisor,
    infra: Shared<Mutex<Infrastructure>>,
    mut requests: mpsc::Receiver<Request>,
) {
    let armed = Arc::new(parking_lot::Mutex::new(BTreeMap::new()));
    while let Some(Request { act, answer }) = requests.recv().await {
        let (supervisor, infra, armed) = (supervisor.clone(), infra.clone(), armed.clone());
        tokio::spawn(async move {
            let done = match act {
                Act::Server(act) => act.perform(&mut *infra.lock().await).await,
                act => supervisor.act(act, &armed).await,
            };
            // The requester may have been cancelled.
            let _ = answer.send(done);
        });
    }
}

/// The number of restarts of each process at the time when it got its crash point.
type Armed = parking_lot::Mutex<BTreeMap<String, u64>>;

impl Supervisor {
    async fn act(&self, act: Act, armed: &Armed) -> Result<Hit> {
        match act {
            Act::Kill(name) => {
                let name = self.process(name).await;
                self.shop().await.kill(&name)?;
                Ok(Hit::one(words::was_killed(name)))
            }
            Act::Pause(name) => {
                let name = self.process(name).await;
                self.shop().await.pause(&name).await?;
                Ok(Hit::one(words::was_paused(name)))
            }
            // It may have been ended as hung meanwhile, and its successor is not paused.
            Act::Resume(name) => {
                let name = self.process(name).await;
                self.shop().await.resume(&name).map(|()| Hit::default())
            }
            Act::SkewClock(name, ms) => {
                let name = self.process(name).await;
                let skewed = ["--clock-skew-ms".to_owned(), ms.to_string()];
                let arguments = if ms == 0 { &[][..] } else { &skewed };
                self.shop().await.restart_with(&name, arguments).await?;
                Ok(if ms == 0 { Hit::default() } else { Hit::one(words::was_restarted(name)) })
            }
            Act::CrashAt(name, point, pass) => {
                let name = self.process(name).await;
                armed.lock().insert(name.clone(), self.times_restarted(&name));
                let arguments = ["--crash-at".to_owned(), format!("{point}:{pass}")];
                self.shop().await.restart_with(&name, &arguments).await?;
                Ok(Hit::default())
            }
            Act::Disarm(name) => {
                let name = self.process(name).await;
                let before = armed.lock().remove(&name).unwrap_or_default();
                if self.times_restarted(&name) > before {
                    return Ok(Hit::one(words::aborted(name)));
                }
                self.shop().await.restart_with(&name, &[]).await?;
                Ok(Hit::default())
            }
            Act::Server(_) => unreachable!("handled elsewhere: the servers do not belong to the supervisor"),
        }
    }

    /// The process of this name, or else the first instance of the service of this name: after a deployment there is
    /// an `orders-2` instead of `orders`.
    async fn process(&self, name: String) -> String {
        let shop = self.shop().await;
        if shop.pid(&name).is_ok() {
            return name;
        }
        shop.instances(&name).into_iter().next().unwrap_or(name)
    }

    fn times_restarted(&self, name: &str) -> u64 {
        self.restarts().get(name).copied().unwrap_or_default()
    }
}
