//! Poison: a message that cannot be handled is dead-lettered with a reason, and the queue goes on.

use anyhow::{Context, Result, ensure};
use contracts::{Command, Envelope, Event, OrderId, OrderRequest, PlacedOrder, TraceContext};
use lapin::message::BasicGetMessage;
use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};
use tests::{Driver, World, eventually};
use uuid::Uuid;

use tests::{Goods, Line, order};

/// A message, the service whose queue it is put into, and a word of the reason that its dead letter must
/// have.
struct Poison {
    name: &'static str,
    service: &'static str,
    body: Vec<u8>,
    reason: &'static str,
}

pub async fn poison_is_set_aside_and_the_queue_goes_on(world: &World) -> Result<()> {
    let connection = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let poisons = match world.driver {
        Driver::Choreographed => poisons_in_a_choreography()?,
        _ => poisons_for_a_saga(finished_order(world).await?)?,
    };
    for poison in poisons {
        let service = world.driver.service_of(poison.service);
        publish(&channel, &format!("{}.{service}", world.namespace), &poison.body).await?;
        world.put_poison(1);
        let dead = format!("{}.{service}.dead", world.namespace);
        let what = format!("{} is dead-lettered", poison.name);
        let reason = eventually(&what, async || reason_of(&connection, &dead, &poison.body).await).await?;
        ensure!(reason.contains(poison.reason), "{}: the reason is {reason:?}", poison.name);
        world.still_works().await.with_context(|| format!("after {}", poison.name))?;
    }
    connection.close(200, "done".into()).await?;
    Ok(())
}

async fn finished_order(world: &World) -> Result<OrderId> {
    let (sku, customer) = (world.product(Goods { price: 1, pieces: 1 }).await?, world.customer(1).await?);
    let decided =
        world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 1 }])).await?;
    Ok(OrderId(decided["order_id"].as_str().context("an order has an id")?.parse()?))
}

/// For a service that receives commands, and for the one that receives the answers.
fn poisons_for_a_saga(finished: OrderId) -> Result<Vec<Poison>> {
    let trace = TraceContext::root;
    let command = Command::RefundPayment { order_id: OrderId::new() };
    let good = serde_json::to_value(Envelope::new("orders", trace(), 0, command))?;
    let mut poisons = malformed(&good);
    let answer = |order_id| {
        let envelope = Envelope::new("inventory", trace(), 0, Event::StockReleased { order_id });
        serde_json::to_string(&envelope).map(String::into_bytes)
    };
    poisons.extend([
        Poison {
            name: "an unknown order",
            service: "orders",
            body: answer(OrderId::new())?,
            reason: "has no checkout",
        },
        Poison {
            name: "an answer to nothing",
            service: "orders",
            body: answer(finished)?,
            reason: "is finished",
        },
    ]);
    Ok(poisons)
}

/// For services that react to events, each of which carries its order.
fn poisons_in_a_choreography() -> Result<Vec<Poison>> {
    let request = order("somebody", "seoul", &[Line { sku: "something", pieces: 1, price: 1 }]);
    let placed = PlacedOrder::new(OrderId::new(), serde_json::from_value::<OrderRequest>(request)?)?;
    let heard = Event::PricesHonoured { order_id: placed.order_id };
    let good =
        serde_json::to_value(Envelope::new("catalog", TraceContext::root(), 0, heard).carrying(placed))?;
    let mut poisons = malformed(&good);
    poisons.push(spoilt(
        "another order than the subject",
        &good,
        |message| {
            let carried = message["order"].as_str().unwrap_or_default().to_owned();
            let order_id = message["subject"].as_str().unwrap_or_default().to_owned();
            message["order"] = carried.replace(&order_id, &Uuid::new_v4().to_string()).into();
        },
        "carried",
    ));
    poisons.push(spoilt(
        "no order",
        &good,
        |message| {
            message.as_object_mut().map(|message| message.remove("order"));
        },
        "carry",
    ));
    Ok(poisons)
}

/// A valid message to payments, damaged. Payments is a service in every shop with messages.
fn spoilt(name: &'static str, good: &Value, damage: impl Fn(&mut Value), reason: &'static str) -> Poison {
    let mut message = good.clone();
    damage(&mut message);
    Poison { name, service: "payments", body: message.to_string().into_bytes(), reason }
}

/// Messages that no service can read, in either protocol.
fn malformed(good: &Value) -> Vec<Poison> {
    let bytes = |name, body: &[u8], reason| Poison { name, service: "payments", body: body.to_vec(), reason };
    let with = |name, key: &'static str, value: Value, reason| {
        spoilt(name, good, move |message| message[key] = value.clone(), reason)
    };
    let brackets = format!("{{\"x\":{}", "[".repeat(100_000));
    let version = good["type"].as_str().unwrap_or_default().replace(".v1", ".v9");
    vec![
        bytes("not UTF-8", b"\xff\xfe{}", "UTF-8"),
        bytes("not JSON", b"hello", "expected"),
        bytes("nothing", b"", "EOF"),
        bytes("100,000 brackets", brackets.as_bytes(), "recursion limit"),
        with("an unknown type", "type", json!("inventory.burn-stock.v1"), "burn-stock"),
        with("an unknown version", "type", json!(version), "v9"),
        with("another CloudEvents", "specversion", json!("0.3"), "0.3"),
        spoilt(
            "no id",
            good,
            |message| drop(message.as_object_mut().map(|message| message.remove("id"))),
            "id",
        ),
        with("a forged id", "id", json!(Uuid::new_v4()), "forged"),
        with("another subject", "subject", json!(Uuid::new_v4()), "subject"),
        with("no traceparent", "traceparent", json!("x"), "traceparent"),
        Poison { service: "orders", ..bytes("not UTF-8, to orders", b"\xc3\x28", "UTF-8") },
    ]
}

/// Publishes directly into a queue, like an attacker who has the password.
pub async fn publish(channel: &Channel, queue: &str, body: &[u8]) -> Result<()> {
    let properties = BasicProperties::default().with_delivery_mode(2);
    let confirm =
        channel.basic_publish("".into(), queue.into(), BasicPublishOptions::default(), body, properties);
    ensure!(confirm.await?.await?.is_ack(), "{queue} did not accept the poison");
    Ok(())
}

/// The reason of a dead letter with this body, if there is one.
async fn reason_of(connection: &Connection, queue: &str, body: &[u8]) -> Result<Option<String>> {
    // Messages that this channel received but did not ack return to the queue when it closes.
    let channel = connection.create_channel().await?;
    let mut reason = None;
    while let Some(letter) = channel.basic_get(queue.into(), BasicGetOptions::default()).await? {
        if letter.data == body {
            reason = Some(header(&letter, "x-reason"));
            break;
        }
    }
    channel.close(200, "looked".into()).await?;
    Ok(reason)
}

fn header(message: &BasicGetMessage, name: &str) -> String {
    let headers = message.properties.headers().as_ref();
    match headers.and_then(|headers| headers.inner().get(name)) {
        Some(AMQPValue::LongString(text)) => text.to_string(),
        other => format!("{other:?}"),
    }
}
