//! Metrics about messages.

use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double};
use diesel_async::RunQueryDsl;
use platform::telemetry::{Telemetry, timed};
use platform::{Pool, db, sql};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use tokio::sync::watch;

/// How often the outbox is measured.
const LOOK: Duration = Duration::from_secs(1);

type Label = [(&'static str, &'static str); 1];

/// The metrics of a service. Counts nothing if telemetry is off.
#[derive(Debug, Clone)]
pub struct Metrics(Option<Families>);

#[derive(Debug, Clone)]
struct Families {
    processed: Family<Label, Histogram, fn() -> Histogram>,
    published: Family<Label, Histogram, fn() -> Histogram>,
    aside: Family<Label, Counter>,
    outbox_rows: Gauge,
    outbox_oldest: Gauge<f64, std::sync::atomic::AtomicU64>,
}

impl Metrics {
    /// Registers the metrics.
    pub fn new(telemetry: &Telemetry) -> Metrics {
        Metrics(telemetry.metrics(|registry| {
            let families = Families {
                processed: Family::new_with_constructor(timed),
                published: Family::new_with_constructor(timed),
                aside: Family::default(),
                outbox_rows: Gauge::default(),
                outbox_oldest: Gauge::default(),
            };
            let Families { processed, published, aside, outbox_rows, outbox_oldest } = families.clone();
            registry.register(
                "messaging_process_duration_seconds",
                "Time from the delivery of a message to its ack, by routing key",
                processed,
            );
            registry.register(
                "messaging_publish_duration_seconds",
                "Time from the outbox to the broker's confirms, per round of publishing",
                published,
            );
            registry.register(
                "cleave_messages_set_aside",
                "Messages that failed, to be retried later or as dead letters",
                aside,
            );
            registry.register("cleave_outbox_rows", "Messages waiting to be published", outbox_rows);
            registry.register(
                "cleave_outbox_oldest_seconds",
                "How long the oldest of them has waited",
                outbox_oldest,
            );
            families
        }))
    }

    /// A message was handled. An unreadable one has no routing key.
    pub fn processed(&self, routing_key: &'static str, took: Duration) {
        if let Some(families) = &self.0 {
            let label = [("messaging_destination_name", routing_key)];
            families.processed.get_or_create(&label).observe(took.as_secs_f64());
        }
    }

    /// A round of messages was published and the broker has replied to all of them.
    pub fn published(&self, confirmed: bool, took: Duration) {
        if let Some(families) = &self.0 {
            let label = [("cleave_outcome", if confirmed { "confirmed" } else { "failed" })];
            families.published.get_or_create(&label).observe(took.as_secs_f64());
        }
    }

    /// A message is to be retried, or has become a dead letter.
    pub fn set_aside(&self, as_what: &'static str) {
        if let Some(families) = &self.0 {
            families.aside.get_or_create(&[("cleave_aside", as_what)]).inc();
        }
    }

    /// Measures the outbox every second.
    pub async fn watch_outbox(&self, pool: &Pool, mut stop: watch::Receiver<bool>) {
        let Some(families) = &self.0 else { return };
        while tokio::time::timeout(LOOK, stop.changed()).await.is_err() {
            // If the database is unavailable, the last values stay. Other parts report the problem.
            if let Ok(Lag { rows, oldest }) = lag(pool).await {
                families.outbox_rows.set(rows);
                families.outbox_oldest.set(oldest);
            }
        }
    }
}

#[derive(QueryableByName)]
struct Lag {
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(sql_type = Double)]
    oldest: f64,
}

async fn lag(pool: &Pool) -> anyhow::Result<Lag> {
    Ok(sql("SELECT count(*) AS rows,
         coalesce(extract(epoch FROM clock_timestamp() - min(written_at)), 0)::double precision AS oldest
         FROM chassis.outbox")
    .get_result(&mut db::get(pool).await?)
    .await?)
}
