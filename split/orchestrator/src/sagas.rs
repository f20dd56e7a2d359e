//! Stores the sagas between replies.

use std::collections::HashMap;
use std::time::Duration;

use checkout::Process;
use contracts::{BoxError, OrderId, TraceContext};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Double, Integer, Jsonb, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use orders::Decision;
use platform::{CrashPoint, Flaw, sql};
use uuid::Uuid;

use crate::schema::sagas;

const SAVE: &str = "UPDATE checkout.sagas
    SET state = new.state, finished = new.finished, version = sagas.version + 1, attempt = 0,
        deadline = clock_timestamp() + make_interval(secs => $5)
    FROM unnest($1::uuid[], $2::jsonb[], $3::boolean[], $4::integer[]) AS new (order_id, state, finished, version)
    WHERE sagas.order_id = new.order_id AND sagas.version = new.version AND NOT sagas.finished";

/// Breaks rule 21 (compare-and-set): ignores the version and lets a finished saga change.
mod flawed {
    pub const SAVE: &str = "UPDATE checkout.sagas
        SET state = new.state, finished = new.finished, version = sagas.version + 1, attempt = 0,
            deadline = clock_timestamp() + make_interval(secs => $5)
        FROM unnest($1::uuid[], $2::jsonb[], $3::boolean[], $4::integer[]) AS new (order_id, state, finished, version)
        WHERE sagas.order_id = new.order_id AND new.version >= 0";
}

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = sagas, check_for_backend(Pg))]
struct SagaRow {
    order_id: Uuid,
    state: serde_json::Value,
    version: i32,
    traceparent: String,
    attempt: i32,
}

#[derive(QueryableByName)]
#[diesel(table_name = sagas, check_for_backend(Pg))]
struct Due {
    order_id: Uuid,
}

/// A stored saga.
pub struct Stored {
    pub order: OrderId,
    /// The state machine in its stored state.
    pub process: Process,
    /// The trace of the request that placed the order.
    pub trace: TraceContext,
    /// How many times the outstanding command was sent before.
    pub attempt: i32,
    /// The decision on the order since the saga was loaded, if any.
    pub decision: Option<Decision>,
    /// Whether its state has changed since it was loaded. Finished sagas are loaded for late replies and must not be
    /// saved.
    pub moved: bool,
    version: i32,
}

impl TryFrom<SagaRow> for Stored {
    type Error = BoxError;
    fn try_from(row: SagaRow) -> Result<Self, BoxError> {
        Ok(Self {
            order: OrderId(row.order_id),
            process: serde_json::from_value(row.state)?,
            trace: TraceContext::parse(&row.traceparent)?,
            attempt: row.attempt,
            decision: None,
            moved: false,
            version: row.version,
        })
    }
}

/// Stores a new saga.
pub async fn insert(
    conn: &mut AsyncPgConnection,
    order: OrderId,
    process: &Process,
    trace: TraceContext,
    answer_within: Duration,
) -> Result<(), BoxError> {
    CrashPoint::BeforeSagaStart.pass();
    sql("INSERT INTO checkout.sagas (order_id, state, traceparent, deadline, finished)
         VALUES ($1, $2, $3, clock_timestamp() + make_interval(secs => $4), $5)")
    .bind::<SqlUuid, _>(order.0)
    .bind::<Jsonb, _>(serde_json::to_value(process)?)
    .bind::<Text, _>(trace.to_string())
    .bind::<Double, _>(answer_within.as_secs_f64())
    .bind::<Bool, _>(process.is_finished())
    .execute(conn)
    .await?;
    CrashPoint::AfterSagaStart.pass();
    Ok(())
}

/// Loads the sagas of these orders and locks them in id order: rule 27 (lock order).
pub async fn load(
    conn: &mut AsyncPgConnection,
    orders: &[Uuid],
) -> Result<HashMap<OrderId, Stored>, BoxError> {
    let sagas = sagas::table.filter(sagas::order_id.eq_any(orders)).select(SagaRow::as_select());
    let rows = match Flaw::NoVersionGuard.is_on() {
        true => sagas.load(conn).await?,
        false => sagas.order(sagas::order_id).for_update().load(conn).await?,
    };
    rows.into_iter().map(|row| Ok((OrderId(row.order_id), row.try_into()?))).collect()
}

/// Saves the sagas whose state has changed, in one statement. Fails if any was changed by another process since it was
/// loaded, or was finished: rule 21 (compare-and-set).
pub async fn save(
    conn: &mut AsyncPgConnection,
    sagas: impl IntoIterator<Item = Stored>,
    answer_within: Duration,
) -> Result<(), BoxError> {
    let sagas: Vec<Stored> = sagas.into_iter().filter(|stored| stored.moved).collect();
    if sagas.is_empty() {
        return Ok(());
    }
    let states =
        sagas.iter().map(|stored| serde_json::to_value(&stored.process)).collect::<Result<Vec<_>, _>>()?;
    let saved = sql(if Flaw::NoVersionGuard.is_on() { flawed::SAVE } else { SAVE })
        .bind::<Array<SqlUuid>, _>(sagas.iter().map(|stored| stored.order.0).collect::<Vec<_>>())
        .bind::<Array<Jsonb>, _>(states)
        .bind::<Array<Bool>, _>(sagas.iter().map(|stored| stored.process.is_finished()).collect::<Vec<_>>())
        .bind::<Array<Integer>, _>(sagas.iter().map(|stored| stored.version).collect::<Vec<_>>())
        .bind::<Double, _>(answer_within.as_secs_f64())
        .execute(conn)
        .await?;
    if saved != sagas.len() {
        return Err(format!(
            "{} of {} sagas were changed by another process",
            sagas.len() - saved,
            sagas.len()
        )
        .into());
    }
    Ok(())
}

/// How many times the interval between attempts doubles. With 30 s to reply it ends at eight minutes.
const DOUBLINGS: i32 = 4;

/// Returns the sagas whose reply is overdue, and sets their next deadlines. Each interval is twice as long as the one
/// before, up to a limit, since more messages do not help a service that is behind: rule 52 (asking again).
///
/// A command that is still in this service's own outbox cannot have been answered. Its saga gets a new deadline without
/// counting an attempt, and is not returned.
pub async fn overdue(
    conn: &mut AsyncPgConnection,
    limit: i64,
    answer_within: Duration,
) -> Result<Vec<Stored>, BoxError> {
    let due: Vec<Due> =
        sql("SELECT order_id FROM checkout.sagas WHERE NOT finished AND deadline < clock_timestamp()
         ORDER BY order_id LIMIT $1 FOR UPDATE SKIP LOCKED")
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await?;
    let due: Vec<Uuid> = due.into_iter().map(|due| due.order_id).collect();
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let unsent = chassis::unsent(conn, &due).await?;
    let rows: Vec<SagaRow> = sql("UPDATE checkout.sagas SET attempt = attempt + due.asked::integer,
             deadline = clock_timestamp() + make_interval(secs => $3::float8 * 2 ^ least(attempt + due.asked::integer, $4::integer))
         FROM unnest($1::uuid[], $2::boolean[]) AS due (order_id, asked)
         WHERE sagas.order_id = due.order_id
         RETURNING sagas.order_id, state, version, traceparent, attempt")
    .bind::<Array<SqlUuid>, _>(&due)
    .bind::<Array<Bool>, _>(due.iter().map(|order| !unsent.contains(order)).collect::<Vec<_>>())
    .bind::<Double, _>(answer_within.as_secs_f64())
    .bind::<Integer, _>(DOUBLINGS)
    .load(conn)
    .await?;
    rows.into_iter().filter(|row| !unsent.contains(&row.order_id)).map(Stored::try_from).collect()
}
