//! The effect of an active fault, and how it is undone.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::mpsc;

use super::act::{Act, Hit, Request, ServerAct, ask};
use super::messages::Interference;
use super::place::Place;
use super::server_faults::{PATIENCE, TakenConnections};
use super::spec::{FaultSpec, Target};
use super::{Link, Proxy, Toxic, toxic};
use crate::{tap, words};
use terminal::language::seconds;

/// The proxies of a shop. A link has several proxies if its service has several instances.
pub(super) type Proxies = BTreeMap<Link, Vec<Arc<Proxy>>>;

/// The effect of a fault.
#[derive(Debug)]
pub(super) enum Effect {
    /// A toxic in these proxies.
    Toxic(Toxic, Vec<Arc<Proxy>>),
    /// These proxies are down; this many connections were cut.
    Down(Vec<Arc<Proxy>>, u64),
    /// Actions that the owner of the shop must perform when the fault ends.
    Undo(Vec<Act>),
    /// Interference with messages.
    Messages(Interference),
    /// Connections taken from the database server.
    Connections(TakenConnections),
    /// Nothing to undo: the fault is over.
    Over,
}

impl Effect {
    /// Starts a fault. Returns its effect and what it has already hit.
    pub async fn start(
        spec: &FaultSpec,
        id: u64,
        place: &Place,
        proxies: &[Arc<Proxy>],
        owner: &mpsc::Sender<Request>,
    ) -> Result<(Effect, Hit)> {
        match &spec.target {
            Target::Link(_) => {
                let mut effect = match spec.kind.name {
                    "down" => Effect::Down(Vec::new(), 0),
                    kind => {
                        let effect = toxic::Effect::new(kind, &spec.attributes)?;
                        let (stream, toxicity) = (spec.stream, spec.toxicity);
                        Effect::Toxic(
                            Toxic { name: format!("fault-{id}"), stream, toxicity, effect },
                            Vec::new(),
                        )
                    }
                };
                for proxy in proxies {
                    effect.reach(proxy).await?;
                }
                Ok((effect, Hit::default()))
            }
            Target::Messages(service) => interfere(spec, service, place).await,
            Target::Database if spec.kind.name == "connection_limit" => {
                let not_ours = || words::not_our_server("PostgreSQL");
                let url = place.database.as_deref().with_context(not_ours)?;
                ensure!(spec.time_to_live < PATIENCE, words::connections_too_long(seconds(PATIENCE)));
                let (taken, hit) = TakenConnections::but(url, spec.number("left") as usize).await?;
                Ok((Effect::Connections(taken), hit))
            }
            Target::Process(_) | Target::Database | Target::Broker => {
                let (act, undo) = acts(spec)?;
                let hit = ask(owner, &[act]).await?;
                Ok((undo.map_or(Effect::Over, |act| Effect::Undo(vec![act])), hit))
            }
        }
    }

    /// Extends the effect to one more proxy in the link.
    pub async fn reach(&mut self, proxy: &Arc<Proxy>) -> Result<()> {
        match self {
            Effect::Toxic(toxic, proxies) => {
                proxy.add(toxic.clone())?;
                proxies.push(proxy.clone());
            }
            Effect::Down(proxies, cut) => {
                *cut += proxy.down().await;
                proxies.push(proxy.clone());
            }
            _ => {}
        }
        Ok(())
    }

    /// Undoes the effect, and returns what was hit. After an error it can be tried again.
    pub async fn end(&mut self, owner: &mpsc::Sender<Request>) -> Result<Hit> {
        match self {
            Effect::Toxic(toxic, proxies) => {
                let mut hit = Hit::default();
                for proxy in proxies.drain(..) {
                    let count = proxy.remove(&toxic.name)?;
                    hit = hit.and(Hit { count, what: format!("{}: {count}", proxy.name()).into() });
                }
                Ok(hit)
            }
            Effect::Down(proxies, cut) => {
                for proxy in proxies.iter() {
                    proxy.up()?;
                }
                Ok(Hit { count: *cut, what: words::connections_cut(*cut) })
            }
            Effect::Undo(acts) => ask(owner, acts).await,
            Effect::Messages(interference) => {
                let count = interference.end().await?;
                Ok(Hit { count, what: words::messages_disturbed(count) })
            }
            Effect::Connections(taken) => {
                taken.release();
                Ok(Hit::default())
            }
            Effect::Over => Ok(Hit::default()),
        }
    }

    /// The number of hits so far, without those reported at the start.
    pub fn hits(&self) -> u64 {
        match self {
            Effect::Toxic(toxic, proxies) => {
                let all = proxies.iter().flat_map(|proxy| proxy.toxics());
                all.filter(|(other, _)| other.name == toxic.name).map(|(_, hits)| hits).sum()
            }
            Effect::Down(_, cut) => *cut,
            Effect::Messages(interference) => interference.hits(),
            Effect::Undo(_) | Effect::Connections(_) | Effect::Over => 0,
        }
    }

    /// Whether there is nothing to undo.
    pub fn is_over(&self) -> bool {
        matches!(self, Effect::Over)
    }
}

/// The owner's action at the start of a fault, and the one at its end if there is one.
fn acts(spec: &FaultSpec) -> Result<(Act, Option<Act>)> {
    let process = || spec.target.to_string();
    let server = |now: ServerAct, end: Option<ServerAct>| (Act::Server(now), end.map(Act::Server));
    Ok(match spec.kind.name {
        "kill" => (Act::Kill(process()), None),
        "pause" => (Act::Pause(process()), Some(Act::Resume(process()))),
        "clock_skew" => (Act::SkewClock(process(), spec.number("skew")), Some(Act::SkewClock(process(), 0))),
        "crash_point" => {
            let point = spec.word("point").unwrap_or_default().to_owned();
            let armed = Act::CrashAt(process(), point, spec.number("pass") as u64);
            (armed, Some(Act::Disarm(process())))
        }
        "kill_database" => server(ServerAct::EndDatabase, Some(ServerAct::RestartDatabase)),
        "restart_database" => server(ServerAct::RestartDatabase, None),
        "disk_full" => server(ServerAct::DiskFull(true), Some(ServerAct::DiskFull(false))),
        "kill_broker" => server(ServerAct::EndBroker, Some(ServerAct::RestartBroker)),
        "restart_broker" => server(ServerAct::RestartBroker, None),
        "broker_memory_alarm" => server(ServerAct::MemoryAlarm(true), Some(ServerAct::MemoryAlarm(false))),
        "broker_disk_alarm" => server(ServerAct::DiskAlarm(true), Some(ServerAct::DiskAlarm(false))),
        other => bail!("cannot perform {other}"),
    })
}

async fn interfere(spec: &FaultSpec, service: &str, place: &Place) -> Result<(Effect, Hit)> {
    let (url, namespace) = place.broker.as_ref().with_context(words::no_broker)?;
    if spec.kind.name == "poison" {
        let count = spec.number("count") as u64;
        for _ in 0..count {
            tap::put(url, &format!("{namespace}.{service}"), b"nobody can read this").await?;
        }
        return Ok((Effect::Over, Hit { count, what: words::messages_to(count, service) }));
    }
    let interference = Interference::start(spec, service, place.driver, url, namespace).await?;
    Ok((Effect::Messages(interference), Hit::default()))
}
