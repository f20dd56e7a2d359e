//! Faults of messages, with a [`Tap`] in the way of one routing key to one service.

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
use topology::Driver;

/// Between two looks at what has come.
const TICK: Duration = Duration::from_millis(10);
/// By then the broker has counted what it refused.
const COUNTED: Duration = Duration::from_millis(100);
/// Before the broker is tried again, where it went away meanwhile.
const AGAIN: Duration = Duration::from_millis(200);
/// How long the end may take: the broker may be away.
const END: Duration = Duration::from_secs(30);

/// Messages are interfered with, until [`Interference::end`].
#[derive(Debug)]
pub(super) struct Interference {
    hits: Arc<AtomicU64>,
    ends: watch::Sender<bool>,
    work: JoinHandle<Result<()>>,
}

/// What is done to messages.
#[derive(Debug, Clone, Copy)]
enum How {
    /// Each goes on twice.
    Duplicate,
    /// Each goes on later.
    Delay(Duration),
    /// So many, gathered for at most so long, go on in reverse.
    Reorder(usize, Duration),
    /// The broker refuses each.
    Refuse,
}

/// Where it is done.
#[derive(Debug)]
struct Way {
    how: How,
    url: String,
    namespace: String,
    service: String,
    key: &'static str,
    hits: Arc<AtomicU64>,
}

/// A message in our hands. Should we die, the broker gives it to the next who asks.
type Held = VecDeque<(Instant, BasicGetMessage)>;

impl Interference {
    /// Begins, with the messages of the key that the fault names, or else those on which orders come to the service.
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
            other => bail!("nobody knows how to do {other} to messages"),
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

    /// How many messages were hit so far.
    pub fn hits(&self) -> u64 {
        self.hits.load(Relaxed)
    }

    /// Sends on what is held, gets out of the way, and answers how many messages were hit.
    pub async fn end(&mut self) -> Result<u64> {
        self.ends.send_replace(true);
        (&mut self.work).await.context("the work on messages has ended before")??;
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

    /// Interferes until the end. Where the broker goes away, what we held is with it, and we begin again.
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
                    return Err(error.context("the broker stayed away"));
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
            // An end that nobody can announce any more is an end.
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

    /// Takes what has come.
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

    /// The next message that may go on.
    fn ready(&self, held: &mut Held) -> Option<BasicGetMessage> {
        let waited = held.front()?.0.elapsed();
        match self.how {
            How::Duplicate | How::Refuse => held.pop_front(),
            How::Delay(delay) => held.pop_front_if(|(came, _)| came.elapsed() >= delay),
            // The first has waited the longest, and goes last.
            How::Reorder(window, wait) if held.len() >= window || waited >= wait => {
                // Alone it overtakes nobody.
                self.hits.fetch_add(u64::from(held.len() > 1), Relaxed);
                held.pop_back()
            }
            How::Reorder(..) => None,
        }
        .map(|(_, message)| message)
    }
}
