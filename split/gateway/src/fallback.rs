//! The *fallback* (a term from Hystrix) for reading the catalog: a stale response, marked as such, is better than none.

use std::collections::HashMap;
use std::time::Instant;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use parking_lot::{Mutex, MutexGuard};

/// The header that marks a stale response.
pub const DEGRADED: &str = "cleave-degraded";

/// The maximum number of responses per generation and the maximum size of each, in bytes: 128 MiB in the worst case.
const ANSWERS: usize = 1000;
const LARGEST: usize = 64 * 1024;

/// The last good response per path. A response is dropped if it was not renewed while a thousand others were.
#[derive(Debug, Default)]
pub struct LastGood(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    new: HashMap<String, Answer>,
    old: HashMap<String, Answer>,
}

#[derive(Debug, Clone)]
struct Answer {
    body: Bytes,
    given: Instant,
}

impl LastGood {
    /// Stores a good response for this path.
    pub fn keep(&self, path: &str, body: Bytes, now: Instant) {
        if body.len() > LARGEST {
            return;
        }
        let mut kept = self.kept();
        if kept.new.len() >= ANSWERS && !kept.new.contains_key(path) {
            kept.old = std::mem::take(&mut kept.new);
        }
        kept.new.insert(path.to_owned(), Answer { body, given: now });
    }

    /// The last good response for this path, marked as stale and with its age in seconds.
    pub fn give(&self, path: &str, now: Instant) -> Option<HttpResponse> {
        let kept = self.kept();
        let Answer { body, given } = kept.new.get(path).or_else(|| kept.old.get(path))?.clone();
        let mut response = HttpResponse::Ok();
        response.insert_header((DEGRADED, "stale"));
        response.insert_header(("age", now.saturating_duration_since(given).as_secs().to_string()));
        Some(response.content_type("application/json").body(body))
    }

    fn kept(&self) -> MutexGuard<'_, Generations> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_last_answer_is_given_with_its_age() {
        let (kept, now) = (LastGood::default(), Instant::now());
        kept.keep("/products/a", "1".into(), now);
        kept.keep("/products/a", "2".into(), now + Duration::from_secs(1));
        let answer = kept.give("/products/a", now + Duration::from_secs(8)).unwrap();
        assert_eq!(answer.headers().get(DEGRADED).unwrap(), "stale");
        assert_eq!(answer.headers().get("age").unwrap(), "7");
        assert!(kept.give("/products/b", now).is_none());
    }

    #[test]
    fn memory_is_bounded_and_what_is_asked_for_stays() {
        let (kept, now) = (LastGood::default(), Instant::now());
        for n in 0..10 * ANSWERS {
            kept.keep(&format!("/products/{n}"), "1".into(), now);
            kept.keep("/products/popular", "1".into(), now);
        }
        let generations = kept.kept();
        assert!(generations.new.len() + generations.old.len() <= 2 * ANSWERS);
        drop(generations);
        assert!(kept.give("/products/popular", now).is_some() && kept.give("/products/0", now).is_none());
        kept.keep("/products/large", vec![0; LARGEST + 1].into(), now);
        assert!(kept.give("/products/large", now).is_none());
    }
}
