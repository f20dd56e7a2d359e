//! How coordinators start: in parallel, with and without room on their servers, on one database or several.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use audit::{Subject, Verdict, audit};
use serde_json::Value;
use tests::{Driver, Stage};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use topology::{Databases, ShopHandle};
use uuid::Uuid;

use crate::two_phase::{Died, START, order_to_nowhere};
use tests::{Goods, Line, order};

/// A second monolith, beside the world's.
pub struct Second {
    _process: Child,
    pub address: String,
}

/// Starts a monolith. The inner `Err` is its error output if it does not start.
pub async fn monolith(programs: &Path, database: &str, arguments: &[&str]) -> Result<Result<Second, String>> {
    let mut command = Command::new(programs.join("monolith"));
    command.args(["--transaction", "two-phase", "--database-url", database]).args(arguments);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(process.stdout.take().context("its output is a pipe")?).lines();
    match tokio::time::timeout(START, lines.next_line()).await.context("it neither started nor exited")?? {
        Some(line) => {
            let announced: Value = serde_json::from_str(&line)?;
            let address = format!("http://{}", announced["listening"].as_str().context("an address")?);
            Ok(Ok(Second { _process: process, address }))
        }
        None => {
            let output = process.wait_with_output().await?;
            ensure!(output.status.code() == Some(1), "{:?}", output.status);
            Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }
}

pub async fn two_coordinators_keep_to_their_own(stage: &Stage) -> Result<Option<String>> {
    let died = Died::at(stage, "before-decision").await?;
    died.restart().await?;
    let (programs, database) = (stage.programs().await?, &died.world.databases.orders);
    let second = monolith(programs, database, &["--coordinator", "second"]).await?;
    let second = second.map_err(anyhow::Error::msg)?;

    // Both run for several rounds of recovery.
    let (sku, customer) = (
        died.world.product(Goods { price: 10, pieces: 100_000 }).await?,
        died.world.customer(1_000_000).await?,
    );
    let client = reqwest::Client::builder().no_proxy().build()?;
    let buy = async |address: &str| {
        let deadline = Instant::now() + Duration::from_secs(4);
        let mut bought = 0;
        while Instant::now() < deadline {
            let order = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
            let request = client
                .post(format!("{address}/orders"))
                .header("idempotency-key", Uuid::new_v4().to_string());
            let answer = request.json(&order).send().await?;
            ensure!(answer.status() == 201, "{}", answer.text().await?);
            bought += 1;
        }
        anyhow::Ok(bought)
    };
    let (one, other) = (&died.world.address, &second.address);
    let bought = tokio::try_join!(buy(one), buy(one), buy(other), buy(other))?;
    let bought = bought.0 + bought.1 + bought.2 + bought.3;
    ensure!(died.world.on_hand(&sku).await? == 100_000 - bought, "{bought} were bought");

    let refused = monolith(programs, database, &["--coordinator", "second"]).await?;
    let said = refused.err().context("two processes run as one coordinator")?;
    ensure!(said.contains("\"second\"") && said.contains("--coordinator"), "{said}");
    drop(second);
    died.finish(stage, 201).await?;
    Ok(None)
}

pub async fn a_server_without_room_is_refused(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let name = format!("room-{}", Uuid::new_v4().simple());
    let database = infrastructure.postgres.create_database(&name).await?;
    let refused = monolith(stage.programs().await?, &database, &["--pool", "500"]).await?;
    let said = refused.err().context("there is no room for 2500 prepared transactions")?;
    for words in ["max_prepared_transactions = 2500", "is 128", "--pool"] {
        ensure!(said.contains(words), "{words:?} is missing in {said}");
    }
    Ok(None)
}

pub async fn each_module_may_have_its_own_database(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let mut urls =
        ["catalog", "inventory", "orders", "payments", "shipping"].map(|module| (module, String::new()));
    for (module, url) in &mut urls {
        let name = format!("{module}-{}", Uuid::new_v4().simple());
        *url = infrastructure.postgres.create_database(&name).await?;
    }
    let arguments: Vec<String> =
        urls.iter().flat_map(|(module, url)| [format!("--{module}-database-url"), url.clone()]).collect();
    let world = stage.new_world(Driver::TwoPhase, infrastructure).await?;
    world.shop().await.restart_with("monolith", &arguments).await?;

    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 10 }])).await?;
    world
        .refused(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 9, price: 10 }]), "out_of_stock")
        .await?;
    world.refused(&order_to_nowhere(&customer, &sku), "region_not_served").await?;
    ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (3, 80));

    // Recovery finishes its branches in all five databases.
    let crash = [&arguments[..], &["--crash-at".into(), "after-commit-prepared:2".into()]].concat();
    world.shop().await.restart_with("monolith", &crash).await?;
    let (key, again) =
        (Uuid::new_v4().to_string(), order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]));
    ensure!(world.order(&key, &again).await.is_err(), "the coordinator has not died");
    world.shop().await.wait_ended("monolith", START).await?;
    world.shop().await.restart_with("monolith", &arguments).await?;
    world.order(&key, &again).await?.expect(200)?;
    ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (2, 70));

    let [catalog, inventory, orders, payments, shipping] = urls.map(|(_, url)| url);
    let databases = Databases { catalog, inventory, orders, payments, shipping };
    let shop = ShopHandle { databases, ..world.shop().await.handle() };
    let findings = audit(&Subject::of(shop)).await?;
    let wrong = findings.iter().find(|found| found.invariant != "I9" && found.verdict != Verdict::Held);
    ensure!(wrong.is_none(), "{wrong:?}");
    world.into_shop().stop(infrastructure).await?;
    Ok(None)
}

pub async fn a_local_transaction_takes_no_further_database(stage: &Stage) -> Result<Option<String>> {
    let url = "postgres://u:p@127.0.0.1:1/x";
    let mut command = Command::new(stage.programs().await?.join("monolith"));
    command.args(["--database-url", url, "--payments-database-url", url]).kill_on_drop(true);
    let output = tokio::time::timeout(START, command.output()).await??;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.code() == Some(64), "{:?}: {said}", output.status);
    ensure!(said.contains("--payments-database-url needs --transaction two-phase"), "{said}");
    Ok(None)
}
