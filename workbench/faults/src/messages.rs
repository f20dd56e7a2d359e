//! Faults of messages, implemented with a [`Tap`] on one routing key of one service.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use lapin::message::BasicGetMessage;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::keys;
use super::spec::FaultSpec;
use crate::tap::Tap;
use crate::words;
use topology::Driver;

/// The interval between checks for new messages.
const TICK: Duration = Duration::from_millis(10);
/// Enough time for the broker to count what it refused.
const COUNTED: Duration = Duration::from_millis(100);
/// The pause before trying the broker again after it became unreachable.
const AGAIN: Duration = Duration::from_millis(200);
/// How long ending may take if the broker is unreachable.
const END: Duration = Duration::from_secs(30);

/// Ongoing interference with messages, until [`Interference::end`].
#[derive(Debug)]
pub(super) struct Interference {
    hits: Arc<AtomicU64>,
    ends: watch::Sender<bool>,
    work: JoinHandle<Result<()>>,
}

/// How messages are disturbed.
#[derive(Debug, Clone, Copy)]
enum How {
    /// Each message is forwarded twice.
    Duplicate,
    /// Each message is forwarded after this delay.
    Delay(Duration),
    /// Up to this many messages, collected for at most this long, are forwarded in reverse order.
    Reorder(usize, Duration),
    /// The broker refuses each message.
    Refuse,
}

/// The service and routing key that are disturbed.
#[derive(Debug)]
struct Way {
    how: How,
    url: String,
    namespace: String,
    service: String,
    key: &'static str,
    hits: Arc<AtomicU64>,
}

/// Messages that were received but not acknowledged, with their times of arrival. If this process dies, the broker
/// delivers them again.
type Held = VecDeque<(Instant, BasicGetMessage)>;

impl Interference {
    /// Starts to disturb messages with the key of the fault, or by default with the key on which orders reach the
    /// service.
    pub async fn start(
        spec: &FaultSpec,
        service: &str,
        driver: Driver,
        url: &str,
        namespace: &str,
    ) -> Result<Interference> {
        let how = match spec.kind.name {
            "duplicate" => How::Duplicate,
            "delay" => How::Delay(Duration::from_millis(spec.number("delay") as u64)),
            "reorder" => {
                let wait = Duration::from_millis(spec.number("wait") as u64);
                How::Reorder(spec.number("window") as usize, wait)
            }
            "drop_before_confirm" => How::Refuse,
            other => bail!("cannot apply {other} to messages"),
        };
        let way = Way {
            how,
            url: url.to_owned(),
            namespace: namespace.to_owned(),
            service: service.to_owned(),
            key: keys::meant(driver, service, spec.word("key"))?,
            hits: Arc::default(),
        };
        let tap = way.place().await?;
        let (ends, ending) = watch::channel(false);
        Ok(Interference { hits: way.hits.clone(), ends, work: tokio::spawn(way.work(tap, ending)) })
    }

    /// The number of messages hit so far.
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    /// Forwards the held messages, removes the tap, and returns the number of messages hit.
    pub async fn end(&mut self) -> Result<u64> {
        self.ends.send_replace(true);
        (&mut self.work).await.with_context(words::messages_already_over)??;
        Ok(self.hits())
    }
}

impl Way {
    async fn place(&self) -> Result<Tap> {
        let Way { url, namespace, service, key, .. } = self;
        match self.how {
            How::Refuse => Tap::refusing(url, namespace, service, key).await,
            _ => Tap::holding(url, namespace, service, key).await,
        }
    }

    /// Disturbs messages until the end. If the broker becomes unreachable, it keeps the held messages, and the work
    /// starts over.
    async fn work(self, mut tap: Tap, mut ending: watch::Receiver<bool>) -> Result<()> {
        let mut deadline = None;
        loop {
            let failed = match self.interfere(&tap, &mut ending).await {
                Ok(()) => match tap.remove().await {
                    Ok(()) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let mut again = Err(failed);
            while let Err(error) = again {
                if *ending.borrow() && *deadline.get_or_insert(Instant::now() + END) < Instant::now() {
                    return Err(error.context(words::broker_unreachable()));
                }
                tokio::time::sleep(AGAIN).await;
                again = self.place().await;
            }
            tap = again?;
        }
    }

    async fn interfere(&self, tap: &Tap, ending: &mut watch::Receiver<bool>) -> Result<()> {
        let mut held = Held::new();
        while !*ending.borrow() {
            match self.how {
                How::Refuse => self.hits.store(tap.refused().await?.into(), Relaxed),
                _ => self.gather(tap, &mut held).await?,
            }
            while let Some(ready) = self.ready(&mut held) {
                if let How::Duplicate = self.how {
                    tap.copy(&ready).await?;
                }
                tap.forward(&ready).await?;
            }
            // A dropped sender counts as the end too.
            if let Ok(Err(_)) = tokio::time::timeout(TICK, ending.changed()).await {
                break;
            }
        }
        if let How::Refuse = self.how {
            tokio::time::sleep(COUNTED).await;
            self.hits.store(tap.refused().await?.into(), Relaxed);
        }
        for (_, message) in held {
            tap.forward(&message).await?;
        }
        Ok(())
    }

    /// Receives the messages that have arrived.
    async fn gather(&self, tap: &Tap, held: &mut Held) -> Result<()> {
        while let Some(message) = tap.next().await? {
            if !matches!(self.how, How::Reorder(..)) {
                self.hits.fetch_add(1, Relaxed);
            }
            held.push_back((Instant::now(), message));
            if let How::Reorder(window, _) = self.how
                && held.len() >= window
            {
                break;
            }
        }
        Ok(())
    }

    /// The next message to forward, if one is due.
    fn ready(&self, held: &mut Held) -> Option<BasicGetMessage> {
        let waited = held.front()?.0.elapsed();
        match self.how {
            How::Duplicate | How::Refuse => held.pop_front(),
            How::Delay(delay) => held.pop_front_if(|(came, _)| came.elapsed() >= delay),
            // The oldest message goes last.
            How::Reorder(window, wait) if held.len() >= window || waited >= wait => {
                // A single message is not reordered, so it does not count as a hit.
                self.hits.fetch_add(u64::from(held.len() > 1), Relaxed);
                held.pop_back()
            }
            How::Reorder(..) => None,
        }
        .map(|(_, message)| message)
    }
}
