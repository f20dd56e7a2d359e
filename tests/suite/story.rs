//! The story of an order matches what happened to it, on real servers.

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use serde_json::{Value, json};
use story::{Holder, Language, OrderOutcome, Pick, Story, Wait, Waiting, What};
use tests::{Driver, Mode, Stage, World, eventually};
use uuid::Uuid;

use crate::docs::fits;
use crate::two_phase::Died;
use tests::{Goods, Line, order};

/// The compensations of an order that shipping refuses, in the required order.
const UNDONE: [&str; 3] = ["payments.refund-payment", "inventory.release-stock", "catalog.release-prices"];

pub async fn it_tells_what_happened(stage: &Stage) -> Result<Option<String>> {
    for driver in [Driver::Local, Driver::Orchestrated, Driver::HYBRIDS[0]] {
        let infrastructure = stage.infrastructure().await?;
        // Each message once: in a story a second copy is a retry.
        let world = stage.new_world_of_one(driver, infrastructure, 1).await?;
        told(&world).await.with_context(|| driver.to_string())?;
        if driver == Driver::Orchestrated {
            stuck(&world).await.context("a service that is paused")?;
            locked(&world).await.context("a locked row")?;
        }
        stage.close(world, infrastructure, Expected::default()).await?;
    }
    Ok(None)
}

async fn told(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    let confirmed =
        world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])).await?;
    let confirmed = tell(world, id(&confirmed)?).await?;
    ensure!(confirmed.outcome == OrderOutcome::Confirmed, "{:?}", confirmed.outcome);
    ensure!(undone(&confirmed).is_empty(), "{:?}", undone(&confirmed));
    settled(&confirmed)?;

    let refused = world
        .refused(
            &order(&customer, "atlantis", &[Line { sku: &sku, pieces: 1, price: 10 }]),
            "region_not_served",
        )
        .await?;
    let refused = tell(world, id(&refused)?).await?;
    let OrderOutcome::Cancelled { code, .. } = &refused.outcome else {
        anyhow::bail!("{:?}", refused.outcome)
    };
    ensure!(code == "region_not_served", "{code}");
    // One transaction has no compensations. In a hybrid those at home are steps of the transaction that handles a reply.
    let expected: &[&str] = match world.driver.mode() {
        Mode::Monolith => &[],
        Mode::Hybrid => &UNDONE[..1],
        Mode::Split => &UNDONE,
    };
    ensure!(undone(&refused) == expected, "{}", refused.text());
    settled(&refused)?;

    let shop = world.shop().await.handle();
    for (which, expected) in [(Pick::LastRefused, Some(refused.order_id)), (Pick::Stuck, None)] {
        let picked = story::pick(&shop, which).await?;
        ensure!(picked == expected, "{which:?} is {picked:?}, not {expected:?}");
    }
    let unknown = story::tell(&[shop], Uuid::now_v7()).await?;
    ensure!(unknown.is_empty(), "an unknown order has a story: {unknown:?}");
    Ok(())
}

/// What is true of every decided order.
fn settled(story: &Story) -> Result<()> {
    let waits: Vec<&Wait> = story.waits_for.iter().map(|wait| &wait.on).collect();
    ensure!(waits == [&Wait::Nothing], "{}", story.text());
    ensure!(story.decided_us.is_some_and(|us| us > 0), "{}", story.text());
    for (place, event) in story.events.iter().enumerate() {
        ensure!(event.caused_by.is_none_or(|cause| cause < place), "e{place}: {}", story.text());
        ensure!(story.lanes.contains(&event.lane), "{} has no lane: {}", event.lane, story.text());
    }
    let hops = story.events.iter().filter(|event| matches!(event.what, What::Deliver | What::Compensate));
    let caused = hops.filter(|hop| hop.caused_by.is_none()).count();
    ensure!(caused == 0, "{caused} deliveries have no cause: {}", story.text());
    fits(&json!([story]), "story.schema.json")?;
    let read: Story = serde_json::from_value(serde_json::to_value(story)?)?;
    ensure!(&read == story, "a story changes when it is written and read");
    ensure!(story::svg(story, Language::Korean).contains("id=\"e0\""));
    Ok(())
}

async fn stuck(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    world.shop().await.pause("payments").await?;
    let key = Uuid::new_v4().to_string();
    let placed = world
        .order(&key, &order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]))
        .await?
        .expect(202)?
        .json;
    let id = id(&placed)?;
    let waiting = eventually("the order waits for payments", async || {
        let story = tell(world, id).await?;
        let asked = story.waits_for.iter().any(
            |wait| matches!(&wait.on, Wait::Answer { command, .. } if command == "payments.capture-payment"),
        );
        Ok(asked.then_some(story))
    })
    .await?;
    ensure!(waiting.outcome == OrderOutcome::Pending && waiting.decided_us.is_none(), "{}", waiting.text());
    let silent = waiting
        .waits_for
        .iter()
        .any(|wait| matches!(&wait.on, Wait::Silent { process, .. } if process == "payments"));
    ensure!(silent, "the story does not say that payments is silent: {}", waiting.text());
    let commands: Vec<&str> =
        waiting.safe_next_actions.iter().filter_map(|action| action.command.as_deref()).collect();
    ensure!(commands.contains(&"cargo cleave heal"), "{commands:?}");
    let shop = world.shop().await.handle();
    ensure!(story::pick(&shop, Pick::Stuck).await? == Some(id), "the stuck order was not picked");
    fits(&json!([waiting]), "story.schema.json")?;

    world.shop().await.resume("payments")?;
    let ended = eventually("the order is decided", async || {
        let story = tell(world, id).await?;
        Ok((story.outcome != OrderOutcome::Pending).then_some(story))
    });
    settled(&ended.await?)
}

/// A session outside the shop holds the lock on the customer's wallet.
async fn locked(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    let mut holder = AsyncPgConnection::establish(&world.databases.payments).await?;
    let hold = format!(
        "SET application_name = 'a holder'; BEGIN;
         SELECT FROM payments.wallets WHERE customer_id = '{customer}' FOR UPDATE"
    );
    holder.batch_execute(&hold).await?;
    let key = Uuid::new_v4().to_string();
    let placed = world
        .order(&key, &order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]))
        .await?
        .expect(202)?
        .json;
    let id = id(&placed)?;
    let wallet = format!("payments.wallets {customer}");
    eventually("the order waits for the wallet", async || {
        let story = tell(world, id).await?;
        let waits = story.waits_for.iter().any(|wait| {
            matches!(&wait.on, Wait::RowLock { row, held_by: Holder::Session { application, .. }, .. }
                if *row == wallet && application == "a holder")
        });
        fits(&json!([story]), "story.schema.json")?;
        Ok(waits.then_some(()))
    })
    .await?;
    holder.batch_execute("ROLLBACK").await?;
    world.decision(&format!("/orders/{id}")).await?;
    Ok(())
}

/// The order is decided and visible, and one of its branches is still prepared.
pub async fn it_tells_what_is_in_doubt(stage: &Stage) -> Result<Option<String>> {
    let died = Died::at(stage, "after-commit-prepared").await?;
    let shop = died.world.shop().await.handle();
    let id = story::pick(&shop, Pick::Last).await?.context("the order is not seen")?;
    let story = tell(&died.world, id).await?;
    let in_doubt = |wait: &Waiting| matches!(wait.on, Wait::InDoubt { .. });
    ensure!(story.waits_for.iter().any(in_doubt), "{}", story.text());
    let commands: Vec<_> =
        story.safe_next_actions.iter().filter_map(|action| action.command.as_deref()).collect();
    ensure!(commands.contains(&"cargo cleave in-doubt --resolve"), "{commands:?}");
    fits(&json!([story]), "story.schema.json")?;
    died.restart().await?;
    let story = tell(&died.world, id).await?;
    ensure!(story.outcome == OrderOutcome::Confirmed, "{}", story.text());
    settled(&story)?;
    stage.close(died.world, stage.infrastructure().await?, Expected::default()).await?;
    Ok(None)
}

async fn tell(world: &World, id: Uuid) -> Result<Story> {
    let shop = world.shop().await.handle();
    let mut stories = story::tell(&[shop], id).await?;
    stories.pop().context("the order has no story")
}

fn id(order: &Value) -> Result<Uuid> {
    Ok(order["order_id"].as_str().context("an order has an id")?.parse()?)
}

fn undone(story: &Story) -> Vec<&str> {
    let undone = story.events.iter().filter(|event| event.what == What::Compensate);
    undone.map(|event| event.name.as_str()).collect()
}
