//! The samples of the last minutes, and the streams of the open pages.

use parking_lot::{Mutex, MutexGuard};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::web::Bytes;
use futures_util::stream::{Stream, unfold};
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};
use uuid::Uuid;

/// The number of samples to keep: ten minutes, about 5 MB. Older ones are in the recording.
const KEPT: usize = 600;
/// The interval of keep-alive comments on an idle stream.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// How many samples a slow page may lag behind before it skips some.
const BEHIND: usize = 16;

/// A sample in the form in which it is sent.
#[derive(Debug)]
pub struct Told {
    /// The number of its second, by which the page asks for what it missed.
    pub second: u64,
    /// The sample as JSON.
    pub json: String,
}

/// Distributes samples to the open pages.
#[derive(Debug)]
pub struct Feed {
    /// A prefix of each event's id. If the dashboard is restarted, an open page reconnects with an id of the earlier
    /// run, whose seconds are different.
    run: String,
    kept: Mutex<VecDeque<Arc<Told>>>,
    news: Mutex<Option<Sender<Arc<Told>>>>,
    pages: Arc<AtomicU64>,
}

impl Default for Feed {
    fn default() -> Feed {
        Feed {
            run: Uuid::new_v4().simple().to_string()[..8].to_owned(),
            kept: Mutex::default(),
            news: Mutex::new(Some(broadcast::channel(BEHIND).0)),
            pages: Arc::default(),
        }
    }
}

impl Feed {
    /// Adds a sample.
    pub fn tell(&self, mut told: Told) {
        // A string that was built piece by piece can have nearly twice the capacity that it needs.
        told.json.shrink_to_fit();
        let told = Arc::new(told);
        let mut kept = locked(&self.kept);
        kept.push_back(told.clone());
        if kept.len() > KEPT {
            kept.pop_front();
        }
        if let Some(news) = &*locked(&self.news) {
            // An error means that no page is open.
            let _ = news.send(told);
        }
    }

    /// The latest sample.
    pub fn latest(&self) -> Option<Arc<Told>> {
        locked(&self.kept).back().cloned()
    }

    /// Ends all streams.
    pub fn close(&self) {
        *locked(&self.news) = None;
    }

    /// The number of open streams.
    pub fn pages(&self) -> u64 {
        self.pages.load(Ordering::Relaxed)
    }

    /// The samples of the last seconds, as a JSON array.
    pub fn history(&self, seconds: u64) -> String {
        let kept = locked(&self.kept);
        let from = kept.back().map_or(0, |latest| latest.second.saturating_sub(seconds));
        let wanted = kept.iter().filter(|told| told.second > from || from == 0);
        let all: Vec<&str> = wanted.map(|told| told.json.as_str()).collect();
        format!("[{}]", all.join(","))
    }

    /// Server-sent events: the samples after this id, and then each new one. Without an id the stream starts with the
    /// latest sample; with an id of another run, with the oldest that is kept.
    pub fn stream(&self, last_id: Option<&str>) -> impl Stream<Item = Result<Bytes, Infallible>> + use<> {
        // Subscribes before reading the history, so that no sample is missed. Duplicates are skipped.
        let news = locked(&self.news).as_ref().map(Sender::subscribe);
        let kept = locked(&self.kept);
        let after = last_id.and_then(|id| id.strip_prefix(&self.run)?.strip_prefix('-')?.parse().ok());
        let missed: VecDeque<Arc<Told>> = match (last_id, after) {
            (None, _) => kept.back().cloned().into_iter().collect(),
            (Some(_), None) => kept.iter().cloned().collect(),
            (Some(_), Some(second)) => kept.iter().filter(|told| told.second > second).cloned().collect(),
        };
        let run = self.run.clone();
        let page = Page { run, missed, news, last: after, _open: Open::new(self.pages.clone()) };
        unfold(page, async |mut page| page.next().await.map(|event| (Ok(event), page)))
    }
}

/// An open stream.
struct Page {
    run: String,
    missed: VecDeque<Arc<Told>>,
    /// `None` after the end.
    news: Option<Receiver<Arc<Told>>>,
    last: Option<u64>,
    _open: Open,
}

impl Page {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let told = match self.missed.pop_front() {
                Some(told) => told,
                None => match tokio::time::timeout(HEARTBEAT, self.news.as_mut()?.recv()).await {
                    Ok(Ok(told)) => told,
                    Ok(Err(RecvError::Lagged(_))) => continue,
                    Ok(Err(RecvError::Closed)) => return None,
                    Err(_) => return Some(Bytes::from_static(b": nothing new\n\n")),
                },
            };
            if self.last.is_some_and(|last| told.second <= last) {
                continue;
            }
            self.last = Some(told.second);
            return Some(format!("id: {}-{}\ndata: {}\n\n", self.run, told.second, told.json).into());
        }
    }
}

/// Counts a page while its stream is open.
struct Open(Arc<AtomicU64>);

impl Open {
    fn new(pages: Arc<AtomicU64>) -> Open {
        pages.fetch_add(1, Ordering::Relaxed);
        Open(pages)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    fn told(second: u64) -> Told {
        Told { second, json: format!("{{\"second\":{second}}}") }
    }

    async fn next(stream: &mut (impl Stream<Item = Result<Bytes, Infallible>> + Unpin)) -> Option<String> {
        let event = tokio::time::timeout(Duration::from_secs(20), stream.next()).await.expect("nothing came");
        event.map(|event| String::from_utf8(event.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_page_that_comes_back_gets_what_it_missed_once() {
        let feed = Feed::default();
        (1..=3).for_each(|second| feed.tell(told(second)));
        let run = feed.run.clone();
        let mut stream = Box::pin(feed.stream(Some(&format!("{run}-1"))));
        feed.tell(told(4));
        for second in 2..=4 {
            let event = next(&mut stream).await.unwrap();
            assert_eq!(event, format!("id: {run}-{second}\ndata: {{\"second\":{second}}}\n\n"));
        }
        assert_eq!(feed.pages(), 1);
        feed.close();
        assert_eq!(next(&mut stream).await, None);
        drop(stream);
        assert_eq!(feed.pages(), 0);
    }

    /// The dashboard was restarted on the same port, and is at second 3; the page had seen second 600.
    #[tokio::test]
    async fn an_id_of_an_earlier_run_is_no_second_of_this_one() {
        let feed = Feed::default();
        (1..=3).for_each(|second| feed.tell(told(second)));
        for foreign in ["600", "0badcafe-600", "0badcafe-2", "", "-", "\u{1F6D2}-9"] {
            let mut stream = Box::pin(feed.stream(Some(foreign)));
            for second in 1..=3 {
                let event = next(&mut stream).await.unwrap();
                assert!(event.contains(&format!("-{second}\ndata")), "{foreign:?}: {event}");
            }
        }
        let mut fresh = Box::pin(feed.stream(None));
        assert!(next(&mut fresh).await.unwrap().contains("-3\ndata"), "a new page has asked for the history");
    }

    #[test]
    fn ten_minutes_are_kept_and_no_more() {
        let feed = Feed::default();
        (1..=4_000).for_each(|second| feed.tell(told(second)));
        let all: Vec<serde_json::Value> = serde_json::from_str(&feed.history(u64::MAX)).unwrap();
        assert_eq!(all.len(), KEPT);
        assert_eq!(feed.history(2), r#"[{"second":3999},{"second":4000}]"#);
    }
}
