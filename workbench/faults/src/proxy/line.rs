//! One direction of one connection: a bounded queue of pieces, each with the time at which it may go on.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::stage::Stage;
use super::{Ending, Setup};
use crate::toxic::{Effect, Stream};

/// At most so much is read at once.
const READ: usize = 16 * 1024;
/// So much may wait. Then the sender has to: a delay must not become a buffer without end.
const ROOM: usize = 1024 * 1024;

/// One direction of one connection.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub stream: Stream,
    pub from: ReadHalf<'a>,
    pub to: WriteHalf<'a>,
    pub setup: watch::Receiver<Setup>,
    pub seed: u64,
    /// Which connection of the proxy it is.
    pub connection: u64,
    /// Counts the bytes that went on.
    pub passed: &'a AtomicU64,
}

/// What waits, and what decides how long.
#[derive(Debug, Default)]
struct Plan {
    stages: Vec<Stage>,
    /// The number of the last toxic that this connection has drawn for.
    drawn: u64,
    waiting: VecDeque<Piece>,
    /// Bytes that wait.
    bytes: usize,
}

/// Bytes, or the end of the stream, on their way.
#[derive(Debug)]
struct Piece {
    arrived: Instant,
    /// `None`: not as long as some toxic is there.
    due: Option<Instant>,
    /// `None`: the end of the stream.
    data: Option<Vec<u8>>,
    /// How much of it has gone already.
    gone: usize,
}

impl Line<'_> {
    /// Carries bytes until the stream has ended and its end was passed on. The error says how the whole connection is
    /// to end instead.
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
            // Each of these may be dropped half-way and loses nothing.
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

    /// Takes over the toxics as they are now.
    fn adopt(&mut self, plan: &mut Plan) -> Result<(), Ending> {
        let now = Instant::now();
        let setup = self.setup.borrow_and_update();
        if !setup.up {
            return Err(Ending::Close);
        }
        let there = |stage: &Stage| setup.toxics.iter().any(|active| active.number == stage.active.number);
        // It has dropped bytes: no way back.
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

    /// The first of the endings that toxics have in store. What limit_data let through goes first.
    fn ending(&self) -> Option<(Instant, Ending)> {
        let endings = self.stages.iter().filter(|stage| !stage.is_spent() || self.waiting.is_empty());
        endings.filter_map(Stage::ending).min_by_key(|(at, _)| *at)
    }

    /// Counts the ending for the toxic that made it, and answers how it is. limit_data has counted before.
    fn blame(&self, ending: Option<(Instant, Ending)>) -> Ending {
        let stage = self.stages.iter().find(|stage| stage.ending() == ending);
        if let Some(stage) = stage.filter(|stage| !stage.is_spent()) {
            stage.active.hit();
        }
        ending.map_or(Ending::Close, |(_, how)| how)
    }

    /// Takes what has just come, or the end of the stream.
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
            // A piece that is never due is held up once, by the first toxic that does it.
            let held_back = due != before && !matches!(stage.active.toxic.effect, Effect::ResetPeer { .. });
            if held_back {
                stage.active.hit();
            }
        }
        let due = self.waiting.back().map_or(due, |last| later(due, last.due));
        self.waiting.push_back(Piece { arrived, due, data, gone: 0 });
    }

    /// Plans what waits anew, as if it had met the toxics of now.
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

    /// So many bytes of the first piece have gone.
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

/// The later of two times, of which `None` is never: nothing overtakes.
fn later(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    Some(one?.max(other?))
}
