//! The databases of a shop: outboxes, prepared transactions, and counters that only increase.

use anyhow::Result;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Double, Nullable};
use diesel_async::RunQueryDsl;
use futures_util::future::join_all;

use super::Session;
use crate::sample::Database;
use topology::{Driver, ShopHandle};

const BARE: &str = "SELECT NULL::bigint AS outbox, NULL::float8 AS oldest_ms, NULL::bigint AS published,
    (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()) AS in_doubt,
    (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()) AS transactions";

/// The sequence counts all messages ever written. Counting rows would take longer every minute.
const WITH_OUTBOX: &str = "SELECT (SELECT count(*) FROM chassis.outbox) AS outbox,
    (SELECT extract(epoch FROM clock_timestamp() - min(written_at)) * 1000 FROM chassis.outbox)::float8 AS oldest_ms,
    (SELECT last_value FROM chassis.outbox_id_seq) AS published,
    (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()) AS in_doubt,
    (SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()) AS transactions";

/// Reads all databases of a shop.
pub(super) struct Databases {
    all: Vec<One>,
    /// Whether messages are published through the outboxes.
    counted: bool,
}

struct One {
    service: String,
    url: String,
    query: &'static str,
    session: Session,
    own: u64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<BigInt>)]
    outbox: Option<i64>,
    #[diesel(sql_type = Nullable<Double>)]
    oldest_ms: Option<f64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    published: Option<i64>,
    #[diesel(sql_type = BigInt)]
    in_doubt: i64,
    #[diesel(sql_type = BigInt)]
    transactions: i64,
}

impl Databases {
    pub(super) fn new(shop: &ShopHandle) -> Databases {
        let one = |(service, url): (&str, &str)| One {
            service: service.to_owned(),
            url: url.to_owned(),
            query: if shop.driver.has_messages() { WITH_OUTBOX } else { BARE },
            session: Session::default(),
            own: 0,
        };
        Databases {
            all: shop.databases.distinct().into_iter().map(one).collect(),
            counted: shop.driver != Driver::Naive,
        }
    }

    /// Each database, with the totals of published messages and of transactions, if every database responded.
    pub(super) async fn now(&mut self) -> (Vec<Database>, Option<u64>, Option<u64>) {
        let rows = join_all(self.all.iter_mut().map(One::now)).await;
        let sum = |of: fn(&Row) -> i64| {
            rows.iter().map(|row| row.as_ref().ok().map(of).map(i64::unsigned_abs)).sum::<Option<u64>>()
        };
        let messages = sum(|row| row.published.unwrap_or_default()).filter(|_| self.counted);
        let own: u64 = self.all.iter().map(|one| one.own).sum();
        let transactions = sum(|row| row.transactions).map(|all| all.saturating_sub(own));
        let shown = self.all.iter().zip(&rows).map(|(one, row)| {
            let row = row.as_ref().ok();
            Database {
                service: one.service.clone(),
                reachable: row.is_some(),
                outbox: row.and_then(|row| row.outbox).map(i64::unsigned_abs),
                outbox_oldest_ms: row.and_then(|row| row.oldest_ms),
                in_doubt: row.map(|row| row.in_doubt.unsigned_abs()),
            }
        });
        (shown.collect(), messages, transactions)
    }
}

impl One {
    async fn now(&mut self) -> Result<Row> {
        self.own += 1;
        let query = diesel::sql_query(self.query);
        self.session.run(&self.url, async |connection| Ok(query.get_result::<Row>(connection).await?)).await
    }
}
