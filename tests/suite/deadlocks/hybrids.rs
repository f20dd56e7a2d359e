//! The writers of hybrids: `POST /orders` with the first steps at home, and replies of modules that have left.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use chassis::Protocol;
use checkout::{Process, done};
use contracts::{BoxError, Command, Error, Event, OrderId, Refusal, RefusalCode, TraceContext};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Jsonb, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use orchestrator::{Home, Orchestrator, Start};
use platform::telemetry::Telemetry;
use rand::RngExt;
use uuid::Uuid;

use super::writers::{Shop, batch, decisions};

/// A hybrid that shipping and payments have left.
pub const FIRST_STEPS: &[&str] = &["orders", "catalog", "inventory"];
/// A hybrid that catalog and inventory have left.
pub const LAST_STEPS: &[&str] = &["orders", "payments", "shipping"];

/// One transaction of a hybrid with these modules at home. Returns whether it is to be committed.
pub async fn work(shop: &Shop, connection: &mut AsyncPgConnection, modules: &[&'static str]) -> Result<bool> {
    let home = Arc::new(Home::fixed(
        modules.to_vec(),
        |connection, commands| Box::pin(lock(connection, commands)),
        |connection, command| Box::pin(handle(connection, command)),
    ));
    let answer_within = Duration::ZERO;
    if rand::rng().random_bool(0.5) {
        let start = Start { protocol: Protocol::Orchestrated, home, answer_within };
        let scope = Telemetry::off().scope(TraceContext::root());
        let new = shop.new_order(OrderId(Uuid::new_v4()))?;
        let _ =
            start.place_and_start(connection, &new, &scope).await.map_err(|error| anyhow!("{error:?}"))?;
        return Ok(true);
    }
    let replies = replies(shop, connection).await?;
    let orchestrator = Orchestrator { decisions: decisions(), home, answer_within };
    let replies = replies.into_iter().map(|reply| (reply, None)).collect();
    batch(connection, &orchestrator, replies).await
}

/// Replies to what open checkouts of this shop wait for, some of them refusals.
async fn replies(shop: &Shop, connection: &mut AsyncPgConnection) -> Result<Vec<Event>> {
    #[derive(QueryableByName)]
    struct Open {
        #[diesel(sql_type = Jsonb)]
        state: serde_json::Value,
    }
    let open: Vec<Open> = diesel::sql_query(
        "SELECT state FROM checkout.sagas
         WHERE NOT finished AND state->>'protocol' = 'saga' AND state->'order'->>'customer_id' = ANY($1)
         ORDER BY random() LIMIT 8",
    )
    .bind::<Array<Text>, _>(shop.customers.iter().map(ToString::to_string).collect::<Vec<_>>())
    .load(connection)
    .await?;
    let reply = |Open { state }| {
        let command = serde_json::from_value::<Process>(state)?.outstanding().swap_remove(0);
        let refusal = Refusal { code: RefusalCode::InsufficientFunds, detail: "for a test".into() };
        let refused = command.refused(refusal).filter(|_| rand::rng().random_bool(0.4));
        Ok(refused.unwrap_or_else(|| done(&command)))
    };
    open.into_iter().map(reply).collect()
}

/// As in `monolith/src/hybrid.rs`, from which nothing can be imported.
async fn lock(connection: &mut AsyncPgConnection, commands: &[&Command]) -> Result<(), BoxError> {
    let of = |module: &str| -> Vec<&Command> {
        let its = |command: &&Command| command.routing_key().starts_with(module);
        commands.iter().copied().filter(its).collect()
    };
    catalog::lock(connection, &of("catalog.")).await?;
    inventory::lock(connection, &of("inventory.")).await?;
    payments::lock(connection, &of("payments.")).await
}

async fn handle(connection: &mut AsyncPgConnection, command: Command) -> Result<Event, Error> {
    match command.routing_key().split_once('.').map(|(module, _)| module) {
        Some("catalog") => catalog::handle(connection, command).await,
        Some("inventory") => inventory::handle(connection, command).await,
        Some("payments") => payments::handle(connection, command).await,
        Some("shipping") => shipping::handle(connection, command).await,
        _ => orders::handle(connection, command).await,
    }
}
