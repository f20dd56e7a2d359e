//! Reads spans from the processes of a shop: `GET /telemetry/spans?order=…`.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::join_all;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{Evidence, Witness};
use crate::words;
use terminal::language::seconds;
use topology::ShopHandle;

/// The time limit for a response. A paused process never responds.
pub(super) const LIMIT: Duration = Duration::from_secs(2);

/// The reason shown for a process that responds but keeps no spans.
pub(super) const RECORDS_NONE: &str = "it records no spans";

/// A unit of work in a process, with its start and duration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// The service of the process.
    #[serde(default)]
    pub service: String,
    /// The id of its trace, 32 hexadecimal digits.
    pub trace_id: String,
    /// Its own id, 16 hexadecimal digits.
    pub span_id: String,
    /// The span that it followed from; `None` for the first of a trace.
    pub parent_id: Option<String>,
    /// The name of the operation.
    pub name: String,
    /// Which side of a call or a queue it is.
    pub kind: Kind,
    /// The start, in microseconds since 1970, by the process's own clock.
    pub start_unix_us: i64,
    /// The duration in microseconds.
    pub duration_us: i64,
    /// `ok` or `error`.
    pub status: String,
    /// More attributes, named by OpenTelemetry's semantic conventions.
    #[serde(default)]
    pub attributes: HashMap<String, Value>,
}

/// Which side of a call or a queue a span is, as in OpenTelemetry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Served a request.
    Server,
    /// Sent a request.
    Client,
    /// Published a message.
    Producer,
    /// Handled a message.
    Consumer,
    /// Work inside a process, such as a transaction.
    Internal,
}

impl Span {
    /// The end, in microseconds since 1970.
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

    /// The id of the message that it concerns.
    pub fn message_id(&self) -> Option<Uuid> {
        self.text("messaging.message.id")?.parse().ok()
    }

    /// The routing key at the end of its name, as in `process inventory.reserve-stock`, or else the whole name.
    pub fn key(&self) -> &str {
        match self.kind {
            Kind::Producer | Kind::Consumer | Kind::Internal => {
                self.name.rsplit(' ').next().filter(|word| word.contains('.')).unwrap_or(&self.name)
            }
            Kind::Server | Kind::Client => &self.name,
        }
    }
}

/// One page of the spans that a process keeps.
#[derive(Deserialize)]
pub(crate) struct Page {
    service: String,
    /// The position to continue from: the next page has the spans after it.
    #[serde(default)]
    pub next: u64,
    pub spans: Vec<Span>,
}

/// Asks every process of a shop for its spans of an order. Processes that return none are named among the witnesses.
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

/// Spans of one process from `GET {address}/telemetry/spans?{query}`.
pub(crate) async fn page(address: &str, query: &str) -> Result<Page> {
    let client = Client::builder().no_proxy().timeout(LIMIT).build()?;
    let answer = match client.get(format!("{address}/telemetry/spans?{query}")).send().await {
        Ok(answer) => answer,
        Err(error) if error.is_timeout() => bail!(words::process_silent(seconds(LIMIT))),
        Err(error) if error.is_connect() => bail!(words::process_gone()),
        Err(error) => return Err(error.into()),
    };
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => bail!(RECORDS_NONE),
        status => bail!(words::process_answered(status)),
    }
    let mut page: Page = answer.json().await.with_context(words::cannot_read_spans)?;
    for span in &mut page.spans {
        span.service.clone_from(&page.service);
    }
    Ok(page)
}

/// Spans for tests.
#[cfg(test)]
pub(crate) mod made_up {
    use super::{HashMap, Kind, Span};

    /// A span; the test's spans share one trace.
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
