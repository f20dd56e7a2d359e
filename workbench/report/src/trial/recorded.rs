//! The orders as the shop recorded them.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use contracts::{OrderId, RefusalCode};
use diesel::QueryableByName;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid};
use diesel_async::RunQueryDsl;

use crate::words;
use load::client::Decision;

/// The clock that dates a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecisionClock {
    /// The commit of the transaction that made it.
    Commit,
    /// The row's own `decided_at`, a little earlier than the commit: used if the server keeps no commit timestamps.
    Row,
}

/// An order in the shop's database.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Its id.
    pub order_id: OrderId,
    /// Its outcome, if it is decided.
    pub decision: Option<Decision>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
}

/// Reads every order from the database, by idempotency key.
pub async fn read_orders(url: &str) -> Result<(HashMap<String, Recorded>, DecisionClock)> {
    let mut connection = servers::connect(url).await.with_context(words::cannot_connect_orders)?;
    let tracked = "SELECT current_setting('track_commit_timestamp')::bool AS value";
    let tracked = diesel::sql_query(tracked).get_result::<Flag>(&mut connection).await?.value;
    let (moment, clock) = if tracked {
        ("coalesce(pg_xact_commit_timestamp(xmin), decided_at)", DecisionClock::Commit)
    } else {
        ("decided_at", DecisionClock::Row)
    };
    let rows = diesel::sql_query(format!(
        "SELECT idempotency_key, order_id, status, refusal_code, {moment} AS decided_at FROM orders.orders"
    ))
    .load::<Row>(&mut connection)
    .await
    .with_context(words::cannot_read_orders)?;
    Ok((rows.into_iter().map(Row::recorded).collect(), clock))
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    value: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    idempotency_key: String,
    #[diesel(sql_type = Uuid)]
    order_id: uuid::Uuid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    refusal_code: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    decided_at: Option<DateTime<Utc>>,
}

impl Row {
    fn recorded(self) -> (String, Recorded) {
        let code = self.refusal_code.as_deref().and_then(RefusalCode::parse);
        let decision = Decision::read(&self.status, code);
        let decided_at = self.decided_at.filter(|_| decision.is_some());
        (self.idempotency_key, Recorded { order_id: OrderId(self.order_id), decision, decided_at })
    }
}
