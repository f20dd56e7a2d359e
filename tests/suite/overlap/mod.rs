//! Two overlapping transactions on separate connections have the same result as one after the other.
//!
//! The first works and does not commit yet. The second begins, and runs until it waits for the first or has
//! finished. Only then does the first commit. No case sleeps: the server reports which session waits.

mod steps;
pub mod work;

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use catalog::{Product, Sale};
use contracts::{Money, OrderId};
use diesel::connection::InstrumentationEvent;
use diesel::sql_types::{Bool, Integer, Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use inventory::{Pieces, Receipt};
use parking_lot::Mutex;
use payments::Deposit;
use tests::Stage;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::schema::Tables;
use steps::{Case, GROUPS, Step};
use work::{Outcome, Work, refused};

/// How often a failed transaction is retried, as the consumer and the monolith would.
const ATTEMPTS: usize = 3;

/// Limits a wait that would otherwise hang. A pair takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is still failing after all attempts.
fn broken() -> Outcome {
    refused("broken")
}

/// Ten units, seven of them on sale, and a wallet that pays for ten.
async fn new_case(connection: &mut AsyncPgConnection) -> Result<Case> {
    let name = Uuid::new_v4();
    let (sku, customer) = (format!("sku-{name}").try_into()?, format!("customer-{name}").try_into()?);
    let case = Case { order: OrderId(Uuid::new_v4()), sku, customer };
    let sale = Some(Sale { price: Money(7), quota: 7, claimed: 0 });
    let product = Product { sku: case.sku.clone(), name: "A thing".into(), price: Money(10), sale };
    catalog::put(connection, &[product]).await.map_err(anyhow::Error::from_boxed)?;
    let pieces = Pieces { sku: case.sku.clone(), quantity: 10.try_into()? };
    let receipt = Receipt { receipt_id: name, lines: vec![pieces] };
    inventory::receive(connection, &receipt).await.map_err(|error| anyhow!("{error:?}"))?;
    let deposit = Deposit { deposit_id: name, customer_id: case.customer.clone(), amount: Money(100) };
    payments::deposit(connection, &[deposit]).await.map_err(|error| anyhow!("{error:?}"))?;
    Ok(case)
}

/// One transaction.
async fn attempt(connection: &mut AsyncPgConnection, work: Work) -> Result<Outcome> {
    connection.batch_execute("BEGIN").await?;
    let outcome = work.perform(connection).await;
    let commits = outcome.as_ref().is_ok_and(|outcome| outcome.commits);
    connection.batch_execute(if commits { "COMMIT" } else { "ROLLBACK" }).await?;
    outcome
}

/// One transaction, retried if it fails.
async fn transact(connection: &mut AsyncPgConnection, work: Work) -> Result<Outcome> {
    for _ in 0..ATTEMPTS {
        if let Ok(outcome) = attempt(connection, work.clone()).await {
            return Ok(outcome);
        }
    }
    Ok(broken())
}

#[derive(QueryableByName)]
struct Backend {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

#[derive(QueryableByName)]
struct Waits {
    #[diesel(sql_type = Bool)]
    waits: bool,
}

async fn pid(connection: &mut AsyncPgConnection) -> Result<i32> {
    let Backend { pid } = sql_query("SELECT pg_backend_pid() AS pid").get_result(connection).await?;
    Ok(pid)
}

async fn waits(watcher: &mut AsyncPgConnection, pid: i32) -> Result<bool> {
    let waits = sql_query(
        "SELECT coalesce(wait_event_type = 'Lock', false) AS waits FROM pg_stat_activity WHERE pid = $1",
    );
    let Waits { waits } = waits.bind::<Integer, _>(pid).get_result(watcher).await?;
    Ok(waits)
}

/// Three connections: one per transaction, and one to watch them.
struct Three {
    first: AsyncPgConnection,
    second: AsyncPgConnection,
    watcher: AsyncPgConnection,
}

impl Three {
    /// Runs two overlapping transactions and returns both outcomes.
    async fn overlap(&mut self, first: Work, second: Work) -> Result<[Outcome; 2]> {
        let Three { first: one, second: two, watcher } = self;
        let second_pid = pid(two).await?;
        one.batch_execute("BEGIN").await?;
        let first = first.perform(one).await.unwrap_or_else(|_| broken());
        if !first.commits {
            one.batch_execute("ROLLBACK; BEGIN").await?;
        }
        let tried = Cell::new(false);
        let (committed, is_committed) = oneshot::channel();
        let second = async {
            let outcome = attempt(two, second.clone()).await;
            tried.set(true);
            is_committed.await?;
            match outcome {
                Ok(outcome) => Ok(outcome),
                Err(_) => transact(two, second).await,
            }
        };
        let commit = async {
            let began = Instant::now();
            while !tried.get() && !waits(watcher, second_pid).await? {
                ensure!(began.elapsed() < PATIENCE, "the second transaction neither waits nor ends");
                tokio::task::yield_now().await;
            }
            one.batch_execute("COMMIT").await?;
            let _ = committed.send(());
            Ok(())
        };
        let ((), second) = tokio::try_join!(commit, second)?;
        Ok([first, second])
    }
}

impl Three {
    /// Runs two steps one after the other, and then overlapping on another order. Returns the difference.
    async fn compare(&mut self, before: &[Step], first: Step, second: Step) -> Result<Option<String>> {
        let apart = self.prepare(before).await?;
        let names = [first(&apart).name(), second(&apart).name()];
        let expected = [
            transact(&mut self.first, first(&apart)).await?,
            transact(&mut self.first, second(&apart)).await?,
        ];
        let expected = (expected, self.settle(&apart).await?);
        let together = self.prepare(before).await?;
        let outcomes = self.overlap(first(&together), second(&together)).await;
        let outcomes = outcomes.with_context(|| format!("{names:?} after {} steps", before.len()))?;
        let found = (outcomes, self.settle(&together).await?);
        let before: Vec<_> = before.iter().map(|step| step(&apart).name()).collect();
        Ok((found != expected)
            .then(|| format!("{names:?} after {before:?}: {found:?}, but one after the other {expected:?}")))
    }

    /// A new order in which these steps are done.
    async fn prepare(&mut self, before: &[Step]) -> Result<Case> {
        self.watcher.batch_execute("DELETE FROM checkout.sagas").await?;
        let case = new_case(&mut self.watcher).await?;
        for step in before {
            transact(&mut self.first, step(&case)).await?;
        }
        self.watcher.batch_execute(LATER).await?;
        Ok(case)
    }

    /// The state of an order after the orders service has asked again, which it does every second, and leaves out
    /// orders that are being handled.
    async fn settle(&mut self, case: &Case) -> Result<State> {
        transact(&mut self.watcher, Work::Ask).await?;
        state(&mut self.watcher, case).await
    }
}

#[derive(QueryableByName, Debug, PartialEq)]
struct State {
    #[diesel(sql_type = Text)]
    state: String,
}

/// Everything about an order, its product and its customer, without ids and times.
const STATE: &str = "SELECT jsonb_build_object(
        'on_hand', (SELECT on_hand FROM inventory.stock WHERE sku = $2),
        'sale_claimed', (SELECT sale_claimed FROM catalog.products WHERE sku = $2),
        'balance', (SELECT balance FROM payments.wallets WHERE customer_id = $3),
        'claim', (SELECT jsonb_build_array(status, jsonb_array_length(lines)) FROM catalog.claims WHERE order_id = $1),
        'reservation', (SELECT status FROM inventory.reservations WHERE order_id = $1),
        'payment', (SELECT status FROM payments.payments WHERE order_id = $1),
        'entries', (SELECT coalesce(jsonb_object_agg(operation || ' ' || split_part(account, ':', 1), amount), '{}')
                    FROM payments.entries WHERE reference = $1),
        'shipments', (SELECT count(*) FROM shipping.shipments WHERE order_id = $1),
        'orders', (SELECT coalesce(jsonb_agg(jsonb_build_array(status, refusal_code) ORDER BY status), '[]')
                   FROM orders.orders WHERE customer_id = $3),
        'saga', (SELECT coalesce(jsonb_agg(jsonb_build_array(finished, version, attempt)), '[]')
                 FROM checkout.sagas JOIN orders.orders USING (order_id) WHERE customer_id = $3),
        'outbox', (SELECT coalesce(jsonb_agg(destination ORDER BY destination), '[]')
                   FROM chassis.outbox JOIN orders.orders ON order_id = subject WHERE customer_id = $3))::text AS state";

/// All messages are sent, and all replies are late.
const LATER: &str =
    "DELETE FROM chassis.outbox; UPDATE checkout.sagas SET deadline = clock_timestamp() WHERE NOT finished";

async fn state(connection: &mut AsyncPgConnection, case: &Case) -> Result<State> {
    let state = sql_query(STATE).bind::<SqlUuid, _>(case.order.0);
    let state = state.bind::<Text, _>(case.sku.as_str()).bind::<Text, _>(case.customer.as_str());
    Ok(state.get_result(connection).await?)
}

pub async fn every_pair_of_handlers_is_as_one_after_the_other(stage: &Stage) -> Result<Option<String>> {
    let tables = Tables::new(stage).await?;
    let mut three = Three {
        first: tables.connect().await?,
        second: tables.connect().await?,
        watcher: tables.connect().await?,
    };
    let (mut wrong, mut pairs) = (Vec::new(), 0);
    for (steps, befores) in GROUPS {
        for before in befores {
            for (first, second) in
                steps.iter().flat_map(|first| steps.iter().map(move |second| (first, second)))
            {
                wrong.extend(three.compare(before, *first, *second).await?);
                pairs += 1;
            }
        }
    }
    drop(three);
    tables.stop().await?;
    ensure!(pairs > 700, "only {pairs} pairs were tried");
    if !wrong.is_empty() {
        bail!("{} of {pairs} pairs have another result:\n{}", wrong.len(), wrong.join("\n"));
    }
    Ok(None)
}

/// diesel parses an uncached statement again at every call, which costs one more round trip.
pub async fn nothing_is_prepared_twice(stage: &Stage) -> Result<Option<String>> {
    let tables = Tables::new(stage).await?;
    let mut connection = tables.connect().await?;
    let (started, kept) = (Arc::new(Mutex::new(BTreeSet::new())), Arc::new(Mutex::new(BTreeSet::new())));
    let (all, cached) = (started.clone(), kept.clone());
    connection.set_instrumentation(move |event: InstrumentationEvent<'_>| match event {
        InstrumentationEvent::StartQuery { query, .. } => {
            let text = query.to_string();
            let text = text.split(" -- binds").next().unwrap_or_default().to_owned();
            all.lock().insert(text);
        }
        InstrumentationEvent::CacheQuery { sql, .. } => {
            cached.lock().insert(sql.to_owned());
        }
        _ => {}
    });
    for (steps, befores) in GROUPS {
        for before in befores {
            let case = new_case(&mut connection).await?;
            for step in before.iter().chain(steps) {
                transact(&mut connection, step(&case)).await?;
            }
        }
    }
    drop(connection);
    tables.stop().await?;
    let started = started.lock().clone();
    let kept = kept.lock().clone();
    let forgotten: Vec<&String> = started
        .difference(&kept)
        .filter(|text| !["BEGIN", "COMMIT", "ROLLBACK"].contains(&text.as_str()))
        .collect();
    ensure!(kept.len() >= 15, "only {} statements were seen", kept.len());
    ensure!(forgotten.is_empty(), "prepared anew at every call: {forgotten:#?}");
    Ok(None)
}
