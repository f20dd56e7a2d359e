//! The effect of a toxic on one direction of a connection. A stage decides how incoming data is cut into pieces
//! ([`Stage::cut`]) and when a piece may be forwarded ([`Stage::due`]). When toxics are added or removed, the second
//! is decided again for all queued pieces.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tokio::time::Instant;

use super::super::toxic::Effect;
use super::{Active, Ending};

/// A piece that would take longer than this at the given rate is cut, so that a slow link delivers data continuously.
const TRICKLE: Duration = Duration::from_millis(100);

/// A toxic in one direction of a connection.
#[derive(Debug)]
pub(super) struct Stage {
    pub active: Arc<Active>,
    random: Xoshiro256PlusPlus,
    /// For bandwidth and slicer: no piece is forwarded earlier.
    free: Instant,
    /// For limit_data: the number of bytes that may still pass.
    left: usize,
    /// When it ends the connection, if that is already certain.
    ends: Option<Instant>,
}

impl Stage {
    /// Returns `None` if this connection is spared. The draw depends only on the seed, the connection's number and
    /// the toxic, so a repeated run spares the same connections.
    pub fn draw(active: &Arc<Active>, seed: u64, connection: u64, now: Instant) -> Option<Stage> {
        let mixed = seed ^ connection.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ active.number.rotate_left(32);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(mixed);
        if random.random::<f64>() >= active.toxic.toxicity {
            return None;
        }
        let (left, ends) = match active.toxic.effect {
            Effect::LimitData { bytes } => (bytes as usize, None),
            Effect::Timeout { timeout } if !timeout.is_zero() => (0, Some(now + timeout)),
            _ => (0, None),
        };
        Some(Stage { active: active.clone(), random, free: now, left, ends })
    }

    /// When and how it ends the connection, if that is known.
    pub fn ending(&self) -> Option<(Instant, Ending)> {
        let how = match self.active.toxic.effect {
            Effect::ResetPeer { .. } => Ending::Reset,
            _ => Ending::Close,
        };
        self.ends.map(|at| (at, how))
    }

    /// Whether it has let through all bytes that it allows.
    pub fn is_spent(&self) -> bool {
        matches!(self.active.toxic.effect, Effect::LimitData { .. }) && self.ends.is_some()
    }

    /// Cuts data into the pieces that are forwarded one by one. Data beyond limit_data is dropped, and the connection
    /// closes.
    pub fn cut(&mut self, mut data: Vec<u8>, now: Instant) -> Vec<Vec<u8>> {
        match self.active.toxic.effect {
            Effect::Bandwidth { rate } => {
                let size = (rate * TRICKLE.as_millis() as u64) as usize;
                data.chunks(size).map(<[u8]>::to_vec).collect()
            }
            Effect::Slicer { average_size, size_variation, .. } => {
                let (least, most) =
                    (average_size.saturating_sub(size_variation), average_size + size_variation);
                let mut pieces = Vec::new();
                while !data.is_empty() {
                    let size = self.random.random_range(least.max(1)..=most) as usize;
                    let rest = data.split_off(size.min(data.len()));
                    pieces.push(std::mem::replace(&mut data, rest));
                }
                if pieces.len() > 1 {
                    self.active.hit();
                }
                pieces
            }
            Effect::LimitData { .. } => {
                data.truncate(self.left);
                self.left -= data.len();
                if self.left == 0 && self.ends.is_none() {
                    self.ends = Some(now);
                    self.active.hit();
                }
                if data.is_empty() { Vec::new() } else { vec![data] }
            }
            Effect::ResetPeer { timeout } => {
                self.ends.get_or_insert(now + timeout);
                vec![data]
            }
            _ => vec![data],
        }
    }

    /// When a piece of this size, otherwise due at `at`, may be forwarded; `None` while this toxic holds it back. The
    /// end of the stream has no size (`bytes` is `None`).
    pub fn due(&mut self, at: Instant, bytes: Option<usize>) -> Option<Instant> {
        Some(match (self.active.toxic.effect, bytes) {
            (Effect::Timeout { .. }, _) | (Effect::ResetPeer { .. }, Some(_)) => return None,
            (Effect::SlowClose { delay }, None) => at + delay,
            (Effect::Latency { latency, jitter }, Some(_)) => {
                let varied = self.random.random_range(Duration::ZERO..=jitter * 2);
                at + (latency + varied).saturating_sub(jitter)
            }
            (Effect::Bandwidth { rate }, Some(bytes)) => {
                // A kilobyte per second is a byte per millisecond.
                self.free = at.max(self.free) + Duration::from_micros(bytes as u64 * 1000 / rate);
                self.free
            }
            (Effect::Slicer { delay, .. }, Some(_)) => {
                let due = at.max(self.free);
                self.free = due + delay;
                due
            }
            _ => at,
        })
    }

    /// Resets the schedule, before all pieces are scheduled anew.
    pub fn replan(&mut self, now: Instant) {
        self.free = now;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use serde_json::{Value, json};

    use super::*;
    use crate::toxic::Toxic;

    fn stage(kind: &str, attributes: &Value) -> Stage {
        let toxic = json!({"type": kind, "stream": "downstream", "attributes": attributes});
        let toxic: Toxic = serde_json::from_value(toxic).unwrap();
        let active = Arc::new(Active { toxic, number: 1, hits: AtomicU64::new(0) });
        Stage::draw(&active, 1, 1, Instant::now()).unwrap()
    }

    #[test]
    fn jitter_varies_latency_within_its_bounds() {
        let ms = Duration::from_millis;
        let delays = || {
            let (mut stage, now) =
                (stage("latency", &json!({"latency": 600, "jitter": 500})), Instant::now());
            (0..200).map(|_| stage.due(now, Some(1)).unwrap() - now).collect::<Vec<_>>()
        };
        let drawn = delays();
        assert!(drawn.iter().all(|delay| (ms(100)..=ms(1100)).contains(delay)), "{drawn:?}");
        assert!(drawn.iter().any(|delay| *delay < ms(200)), "{drawn:?}");
        assert!(drawn.iter().any(|delay| *delay > ms(1000)), "{drawn:?}");
        assert_eq!(drawn, delays(), "the same seed draws the same delays");
    }

    #[test]
    fn bandwidth_lets_bytes_trickle() {
        let (mut stage, now) = (stage("bandwidth", &json!({"rate": 50})), Instant::now());
        let pieces = stage.cut(vec![7; 30_000], now);
        let due: Vec<Duration> =
            pieces.iter().map(|piece| stage.due(now, Some(piece.len())).unwrap() - now).collect();
        let expected: Vec<Duration> = (1..=6).map(|piece| TRICKLE * piece).collect();
        assert_eq!(due, expected);
    }
}
