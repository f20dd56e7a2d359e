//! One direction of a connection: a bounded queue of pieces, each with the time at which it may be forwarded.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::stage::Stage;
use super::{Ending, Setup};
use crate::toxic::{Effect, Stream};

/// The most bytes per read.
const READ: usize = 16 * 1024;
/// The most bytes in the queue. When it is full, the sender has to wait: a delay must not become an unbounded buffer.
const ROOM: usize = 1024 * 1024;

/// One direction of one connection.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub stream: Stream,
    pub from: ReadHalf<'a>,
    pub to: WriteHalf<'a>,
    pub setup: watch::Receiver<Setup>,
    pub seed: u64,
    /// The number of the connection in the proxy.
    pub connection: u64,
    /// Counts the forwarded bytes.
    pub passed: &'a AtomicU64,
}

/// The queue, and the toxics that determine its delays.
#[derive(Debug, Default)]
struct Plan {
    stages: Vec<Stage>,
    /// The number of the last toxic for which this connection was drawn.
    drawn: u64,
    waiting: VecDeque<Piece>,
    /// Number of queued bytes.
    bytes: usize,
}

/// Queued bytes, or the end of the stream.
#[derive(Debug)]
struct Piece {
    arrived: Instant,
    /// When it may be forwarded; `None` while a toxic holds it back.
    due: Option<Instant>,
    /// The bytes; `None` for the end of the stream.
    data: Option<Vec<u8>>,
    /// The number of its bytes that were already forwarded.
    gone: usize,
}

impl Line<'_> {
    /// Forwards bytes until the end of the stream was forwarded too. An error says how the whole connection must end
    /// instead.
    pub async fn run(mut self) -> Result<(), Ending> {
        let mut plan = Plan::default();
        self.adopt(&mut plan)?;
        let mut buffer = vec![0; READ];
        let mut ended = false;
        loop {
            let ending = plan.ending();
            let next = plan.waiting.front();
            let due = next.and_then(|piece| piece.due);
            let ready = due.is_some_and(|due| due <= Instant::now());
            if ready && next.is_some_and(|piece| piece.data.is_none()) {
                return self.to.shutdown().await.map_err(|_| Ending::Reset);
            }
            let head = next.and_then(|piece| Some(&piece.data.as_ref()?[piece.gone..])).unwrap_or_default();
            // All branches are cancel-safe: dropping them loses no data.
            tokio::select! {
                changed = self.setup.changed() => {
                    changed.map_err(|_| Ending::Close)?;
                    self.adopt(&mut plan)?;
                }
                read = self.from.read(&mut buffer), if !ended && plan.has_room() => {
                    match read.map_err(|_| Ending::Reset)? {
                        0 => {
                            ended = true;
                            plan.take(None);
                        }
                        n => plan.take(Some(buffer[..n].to_vec())),
                    }
                }
                written = self.to.write(head), if ready => {
                    let n = written.map_err(|_| Ending::Reset)?;
                    self.passed.fetch_add(n as u64, Relaxed);
                    plan.gone(n);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if !ready && due.is_some() => {}
                () = sleep_until(ending.map_or_else(Instant::now, |(at, _)| at)), if ending.is_some() => {
                    return Err(plan.blame(ending));
                }
            }
        }
    }

    /// Applies the current toxics.
    fn adopt(&mut self, plan: &mut Plan) -> Result<(), Ending> {
        let now = Instant::now();
        let setup = self.setup.borrow_and_update();
        if !setup.up {
            return Err(Ending::Close);
        }
        let there = |stage: &Stage| setup.toxics.iter().any(|active| active.number == stage.active.number);
        // It has dropped bytes, so the connection cannot continue.
        if plan.stages.iter().any(|stage| stage.is_spent() && !there(stage)) {
            return Err(Ending::Close);
        }
        plan.stages.retain(there);
        for active in setup.toxics.iter().filter(|active| active.toxic.stream == self.stream) {
            if active.number > plan.drawn {
                plan.drawn = active.number;
                plan.stages.extend(Stage::draw(active, self.seed, self.connection, now));
            }
        }
        plan.again(now);
        Ok(())
    }
}

impl Plan {
    fn has_room(&self) -> bool {
        self.bytes < ROOM && !self.stages.iter().any(Stage::is_spent)
    }

    /// The earliest ending scheduled by a toxic. Bytes that limit_data let through are forwarded first.
    fn ending(&self) -> Option<(Instant, Ending)> {
        let endings = self.stages.iter().filter(|stage| !stage.is_spent() || self.waiting.is_empty());
        endings.filter_map(Stage::ending).min_by_key(|(at, _)| *at)
    }

    /// Counts the ending as a hit of the toxic that caused it, and returns the ending. limit_data has already counted
    /// it.
    fn blame(&self, ending: Option<(Instant, Ending)>) -> Ending {
        let stage = self.stages.iter().find(|stage| stage.ending() == ending);
        if let Some(stage) = stage.filter(|stage| !stage.is_spent()) {
            stage.active.hit();
        }
        ending.map_or(Ending::Close, |(_, how)| how)
    }

    /// Queues new data, or the end of the stream.
    fn take(&mut self, data: Option<Vec<u8>>) {
        let arrived = Instant::now();
        let Some(data) = data else {
            return self.wait(arrived, None);
        };
        let mut pieces = vec![data];
        for stage in &mut self.stages {
            pieces = pieces.into_iter().flat_map(|piece| stage.cut(piece, arrived)).collect();
        }
        for piece in pieces {
            self.bytes += piece.len();
            self.wait(arrived, Some(piece));
        }
    }

    fn wait(&mut self, arrived: Instant, data: Option<Vec<u8>>) {
        let mut due = Some(arrived);
        for stage in &mut self.stages {
            let before = due;
            due = due.and_then(|at| stage.due(at, data.as_ref().map(Vec::len)));
            // A piece that is never due counts once, for the first toxic that holds it back.
            let held_back = due != before && !matches!(stage.active.toxic.effect, Effect::ResetPeer { .. });
            if held_back {
                stage.active.hit();
            }
        }
        let due = self.waiting.back().map_or(due, |last| later(due, last.due));
        self.waiting.push_back(Piece { arrived, due, data, gone: 0 });
    }

    /// Reschedules the queue according to the current toxics.
    fn again(&mut self, now: Instant) {
        self.stages.iter_mut().for_each(|stage| stage.replan(now));
        let mut last = Some(now);
        for piece in &mut self.waiting {
            let bytes = piece.data.as_ref().map(|data| data.len() - piece.gone);
            let due = self.stages.iter_mut().try_fold(piece.arrived, |at, stage| stage.due(at, bytes));
            last = later(due, last);
            piece.due = last;
        }
    }

    /// Marks this many bytes of the first piece as forwarded.
    fn gone(&mut self, bytes: usize) {
        self.bytes -= bytes;
        if let Some(piece) = self.waiting.front_mut() {
            piece.gone += bytes;
            if piece.data.as_ref().is_none_or(|data| data.len() == piece.gone) {
                self.waiting.pop_front();
            }
        }
    }
}

/// The later of two times, where `None` means never. Keeps pieces in order.
fn later(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    Some(one?.max(other?))
}
