//! Two overlapping transactions on separate connections have the same result as one after the other.
//!
//! The first works and does not commit yet. The second begins, and runs until it waits for the first or has
//! finished. Only then does the first commit. No case sleeps: the server reports which session waits.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use catalog::{Product, Sale};
use contracts::{Command, CustomerId, Error, Event, Money, OrderId, OrderLine, Region, Sku};
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

/// How often a failed transaction is retried, as the consumer and the monolith would.
const ATTEMPTS: usize = 3;

/// Limits a wait that would otherwise hang. A pair takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// An order that no other case uses, with its own product and customer.
struct Case {
    order: OrderId,
    sku: Sku,
    customer: CustomerId,
}

type Step = fn(&Case) -> Command;

impl Case {
    /// Ten units, seven of them on sale, and a wallet that pays for ten.
    async fn new(connection: &mut AsyncPgConnection) -> Result<Case> {
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

    fn lines(&self) -> Vec<OrderLine> {
        let quantity = 3.try_into().expect("three is a quantity");
        vec![OrderLine { sku: self.sku.clone(), quantity, unit_price: Money(7) }]
    }
}

const HONOUR: Step = |case| Command::HonourPrices { order_id: case.order, lines: case.lines() };
const UNHONOUR: Step = |case| Command::ReleasePrices { order_id: case.order };
const RESERVE: Step = |case| Command::ReserveStock { order_id: case.order, lines: case.lines() };
const COMMIT: Step = |case| Command::CommitReservation { order_id: case.order };
const RELEASE: Step = |case| Command::ReleaseStock { order_id: case.order };
const AUTHORIZE: Step = |case| Command::AuthorizePayment {
    order_id: case.order,
    customer_id: case.customer.clone(),
    amount: Money(21),
};
const CAPTURE: Step = |case| Command::CapturePayment {
    order_id: case.order,
    customer_id: case.customer.clone(),
    amount: Money(21),
};
const VOID: Step = |case| Command::VoidPayment { order_id: case.order };
const REFUND: Step = |case| Command::RefundPayment { order_id: case.order };
const SCHEDULE: Step = |case| Command::ScheduleShipment {
    order_id: case.order,
    region: Region::try_from("seoul".to_owned()).expect("seoul is a region"),
};

/// The commands of each module, and the commands that may have been done before two of them meet.
const MODULES: [(&[Step], &[&[Step]]); 4] = [
    (&[HONOUR, UNHONOUR], &[&[], &[HONOUR], &[UNHONOUR]]),
    (&[RESERVE, COMMIT, RELEASE], &[&[], &[RESERVE], &[RESERVE, COMMIT], &[RELEASE]]),
    (&[AUTHORIZE, CAPTURE, VOID, REFUND], &[&[], &[AUTHORIZE], &[CAPTURE], &[VOID], &[REFUND]]),
    (&[SCHEDULE], &[&[], &[SCHEDULE]]),
];

async fn handle(connection: &mut AsyncPgConnection, command: Command) -> Result<Event, Error> {
    match command.routing_key().split('.').next() {
        Some("catalog") => catalog::handle(connection, command).await,
        Some("inventory") => inventory::handle(connection, command).await,
        Some("payments") => payments::handle(connection, command).await,
        _ => shipping::handle(connection, command).await,
    }
}

/// Handles a command and returns its outcome as a word. An `Err` is retried.
async fn answer(connection: &mut AsyncPgConnection, command: Command) -> Result<String> {
    match handle(connection, command).await {
        Ok(event) => Ok(event.routing_key().to_owned()),
        Err(Error::Refused(refusal)) => Ok(refusal.code.as_str().to_owned()),
        Err(Error::Broken(error)) => Err(anyhow::Error::from_boxed(error)),
    }
}

/// One transaction.
async fn attempt(connection: &mut AsyncPgConnection, command: Command) -> Result<String> {
    connection.batch_execute("BEGIN").await?;
    let answer = answer(connection, command).await;
    connection.batch_execute(if answer.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    answer
}

/// One transaction, retried if it fails.
async fn transact(connection: &mut AsyncPgConnection, command: Command) -> Result<String> {
    for _ in 0..ATTEMPTS {
        if let Ok(answer) = attempt(connection, command.clone()).await {
            return Ok(answer);
        }
    }
    Ok("broken".to_owned())
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
    async fn overlap(&mut self, first: Command, second: Command) -> Result<[String; 2]> {
        let Three { first: one, second: two, watcher } = self;
        let second_pid = pid(two).await?;
        one.batch_execute("BEGIN").await?;
        let first = match answer(one, first).await {
            Ok(answer) => answer,
            Err(_) => {
                one.batch_execute("ROLLBACK; BEGIN").await?;
                "broken".to_owned()
            }
        };
        let tried = Cell::new(false);
        let (committed, is_committed) = oneshot::channel();
        let second = async {
            let answer = attempt(two, second.clone()).await;
            tried.set(true);
            is_committed.await?;
            match answer {
                Ok(answer) => Ok(answer),
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
        'shipments', (SELECT count(*) FROM shipping.shipments WHERE order_id = $1))::text AS state";

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
    for (steps, befores) in MODULES {
        for before in befores {
            for (first, second) in
                steps.iter().flat_map(|first| steps.iter().map(move |second| (first, second)))
            {
                let [together, apart] =
                    [Case::new(&mut three.watcher).await?, Case::new(&mut three.watcher).await?];
                for step in *before {
                    transact(&mut three.first, step(&together)).await?;
                    transact(&mut three.first, step(&apart)).await?;
                }
                let names = [first(&apart).routing_key(), second(&apart).routing_key()];
                let expected = [
                    transact(&mut three.first, first(&apart)).await?,
                    transact(&mut three.first, second(&apart)).await?,
                ];
                let answers = three.overlap(first(&together), second(&together)).await;
                let answers = answers.with_context(|| format!("{names:?} after {} steps", before.len()))?;
                let found = (answers, state(&mut three.watcher, &together).await?);
                let expected = (expected, state(&mut three.watcher, &apart).await?);
                if found != expected {
                    let before: Vec<_> = before.iter().map(|step| step(&apart).routing_key()).collect();
                    wrong.push(format!(
                        "{names:?} after {before:?}: {found:?}, but one after the other {expected:?}"
                    ));
                }
                pairs += 1;
            }
        }
    }
    drop(three);
    tables.stop().await?;
    ensure!(pairs > 100, "only {pairs} pairs were tried");
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
    for (steps, befores) in MODULES {
        for before in befores {
            let case = Case::new(&mut connection).await?;
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
