//! A database that is read-only for a while, as a standby is until it is promoted (SQLSTATE 25006).

use anyhow::{Context, Result, ensure};
use audit::Expected;
use tests::{Driver, Goods, Line, Stage, World, eventually, order};
use uuid::Uuid;

use super::lost_answer::Server;

const WORDS: &str = "does not allow writes";

pub async fn a_read_only_moment_is_waited_out(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in [Driver::Local, Driver::Orchestrated] {
        let world = stage.new_world(driver, infrastructure).await?;
        let (sku, customer) =
            (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
        let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 10 }]);
        let key = Uuid::new_v4().to_string();
        let mut server = Server::outside(&world.databases.inventory).await?;
        server.run("ALTER DATABASE \"%\" SET default_transaction_read_only = on").await?;
        server.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%'").await?;
        let answer = world.order(&key, &body).await?;
        let process = if driver == Driver::Local {
            answer.is_problem(503, "unavailable")?;
            ensure!(answer.json.get("ask").is_none(), "{}", answer.text);
            "monolith"
        } else {
            answer.expect(202)?;
            "inventory"
        };
        eventually("the log names it", async || names_it(&world, process).await).await?;
        // Sessions that were opened meanwhile would stay as they are.
        server.run("ALTER DATABASE \"%\" RESET default_transaction_read_only").await?;
        let placed = eventually("the shop accepts orders again", async || {
            let placed = world.order(&key, &body).await?;
            Ok((placed.status < 300).then_some(placed))
        })
        .await?;
        let decided = world.decision(placed.header("location")).await.with_context(|| driver.to_string())?;
        ensure!(decided["status"] == "confirmed", "{decided}");
        let left = eventually("the inventory can be read again", async || {
            let level = world.get(&format!("/stock/{sku}")).await?;
            Ok((level.status == 200).then(|| level.json["on_hand"].clone()))
        })
        .await?;
        ensure!(left == 3 && world.balance(&customer).await? == 80, "{driver}: {left} units are left");
        // The audit also checks that there is no dead letter.
        stage.close(world, infrastructure, Expected::default()).await.context(driver.to_string())?;
    }
    Ok(None)
}

async fn names_it(world: &World, process: &str) -> Result<Option<()>> {
    let log = std::fs::read_to_string(world.shop().await.log(process)?)?;
    Ok(log.contains(WORDS).then_some(()))
}
