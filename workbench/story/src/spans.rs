//! Spans, as the processes of a shop tell them: `GET /telemetry/spans?order=…`.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Evidence, Witness};
use topology::ShopHandle;

/// How long a process may take to answer. One that is paused never does.
const LIMIT: Duration = Duration::from_secs(2);

/// What is said of a process that answers, and has nothing to tell.
pub(super) const RECORDS_NONE: &str = "it records no spans";

/// Something that a process did, from when to when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The service whose process it was.
    #[serde(default)]
    pub service: String,
    /// The trace that it belongs to, 32 hexadecimal digits.
    pub trace_id: String,
    /// Its own id, 16 hexadecimal digits.
    pub span_id: String,
    /// The span that it followed from; `None` for the first of a trace.
    pub parent_id: Option<String>,
    /// What was done.
    pub name: String,
    /// On which side of a call or of a queue.
    pub kind: Kind,
    /// When it began, in microseconds since 1970, by the process's own clock.
    pub start_unix_us: i64,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// `ok` or `error`.
    pub status: String,
    /// What else there is to know, by the names of OpenTelemetry's semantic conventions.
    #[serde(default)]
    pub attributes: HashMap<String, Value>,
}

/// On which side of a call or of a queue a span is, as OpenTelemetry has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A request was answered.
    Server,
    /// A request was made.
    Client,
    /// A message was sent.
    Producer,
    /// A message was handled.
    Consumer,
    /// Neither: a part of the work.
    Internal,
}

impl Span {
    /// When it ended, in microseconds since 1970.
    pub fn end_us(&self) -> i64 {
        self.start_unix_us + self.duration_us
    }

    /// An attribute that is a number.
    pub fn number(&self, name: &str) -> Option<i64> {
        let value = self.attributes.get(name)?;
        value.as_i64().or_else(|| value.as_str()?.parse().ok())
    }

    /// An attribute that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.attributes.get(name)?.as_str()
    }

    /// The message that it is about.
    pub fn message_id(&self) -> Option<Uuid> {
        self.text("messaging.message.id")?.parse().ok()
    }

    /// The routing key at the end of its name, or the whole name: `process inventory.reserve-stock`.
    pub fn key(&self) -> &str {
        match self.kind {
            Kind::Producer | Kind::Consumer | Kind::Internal => {
                self.name.rsplit(' ').next().filter(|word| word.contains('.')).unwrap_or(&self.name)
            }
            Kind::Server | Kind::Client => &self.name,
        }
    }
}

/// A part of the spans that a process keeps.
#[derive(Deserialize)]
pub(crate) struct Page {
    service: String,
    /// What to ask for next: those after this one.
    #[serde(default)]
    pub next: u64,
    pub spans: Vec<Span>,
}

/// Asks every process of a shop for its spans of an order. Those who tell nothing are named among the witnesses.
pub(super) async fn of_order(shop: &ShopHandle, order: Uuid) -> (Vec<Span>, Vec<Witness>) {
    let asked = shop
        .processes
        .iter()
        .map(async |process| (&process.name, page(&process.address, &format!("order={order}")).await));
    let (mut spans, mut witnesses) = (Vec::new(), Vec::new());
    for (name, told) in join_all(asked).await {
        let (count, why_not) = match told {
            Ok(page) => {
                let count = page.spans.len();
                spans.extend(page.spans);
                (count, None)
            }
            Err(why) => (0, Some(format!("{why:#}"))),
        };
        witnesses.push(Witness { name: name.clone(), of: Evidence::Span, told: count, why_not });
    }
    (spans, witnesses)
}

/// Spans of one process, as `GET {address}/telemetry/spans?{query}` tells them.
pub(crate) async fn page(address: &str, query: &str) -> Result<Page> {
    let client = Client::builder().no_proxy().timeout(LIMIT).build()?;
    let answer = match client.get(format!("{address}/telemetry/spans?{query}")).send().await {
        Ok(answer) => answer,
        Err(error) if error.is_timeout() => bail!("no answer within {LIMIT:?}: it is paused, or very busy"),
        Err(error) if error.is_connect() => bail!("nobody is there: it has ended, or is being started again"),
        Err(error) => return Err(error.into()),
    };
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => bail!(RECORDS_NONE),
        status => bail!("it answered {status}"),
    }
    let mut page: Page = answer.json().await.context("its spans are not understood")?;
    for span in &mut page.spans {
        span.service.clone_from(&page.service);
    }
    Ok(page)
}

/// Spans for tests.
#[cfg(test)]
pub(crate) mod made_up {
    use super::{HashMap, Kind, Span};

    /// A span of a trace that has but one.
    pub(crate) fn span(
        id: &str,
        parent: Option<&str>,
        service: &str,
        kind: Kind,
        name: &str,
        start_unix_us: i64,
        duration_us: i64,
    ) -> Span {
        Span {
            service: service.into(),
            trace_id: "1".repeat(32),
            span_id: id.into(),
            parent_id: parent.map(str::to_owned),
            name: name.into(),
            kind,
            start_unix_us,
            duration_us,
            status: "ok".into(),
            attributes: HashMap::new(),
        }
    }
}
