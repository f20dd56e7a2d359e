//! Poison: messages that nobody can handle are set aside with the reason, and the queue goes on.

use anyhow::{Context, Result, ensure};
use contracts::{Command, Envelope, Event, OrderId, Refusal, RefusalCode, TraceContext};
use lapin::message::BasicGetMessage;
use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use serde_json::{Value, json};
use tests::{World, eventually};
use uuid::Uuid;

use crate::api::order;

/// What is put into which service's queue, and a word of the reason with which it must be set aside.
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
    for poison in poisons(finished_order(world).await?)? {
        publish(&channel, &format!("{}.{}", world.namespace, poison.service), &poison.body).await?;
        world.put_poison(1);
        let dead = format!("{}.{}.dead", world.namespace, poison.service);
        let what = format!("{} is a dead letter", poison.name);
        let reason = eventually(&what, async || reason_of(&connection, &dead, &poison.body).await).await?;
        ensure!(reason.contains(poison.reason), "{}: the reason is {reason:?}", poison.name);
        world.still_works().await.with_context(|| format!("after {}", poison.name))?;
    }
    connection.close(200, "done".into()).await?;
    Ok(())
}

async fn finished_order(world: &World) -> Result<OrderId> {
    let (sku, customer) = (world.product(1, 1).await?, world.customer(1).await?);
    let decided = world.confirmed(&order(&customer, "seoul", &[(&sku, 1, 1)])).await?;
    Ok(OrderId(decided["order_id"].as_str().context("an order has an id")?.parse()?))
}

fn poisons(finished: OrderId) -> Result<Vec<Poison>> {
    let seal = |event| serde_json::to_value(Envelope::new("inventory", TraceContext::root(), 0, event));
    let command = Command::ReleaseStock { order_id: OrderId::new() };
    let good = serde_json::to_value(Envelope::new("orders", TraceContext::root(), 0, command))?;
    let with = |key: &str, value: Value| {
        let mut message = good.clone();
        message[key] = value;
        message.to_string().into_bytes()
    };
    let mut no_id = good.clone();
    no_id.as_object_mut().map(|message| message.remove("id"));
    let unknown_order = seal(Event::StockReserved { order_id: OrderId::new() })?;
    let refusal = Refusal { code: RefusalCode::OutOfStock, detail: "changed my mind".into() };
    let late_reply = seal(Event::StockRefused { order_id: finished, refusal })?;

    let of = |service| move |name, body, reason| Poison { name, service, body, reason };
    let (inventory, orders) = (of("inventory"), of("orders"));
    Ok(vec![
        inventory("not UTF-8", b"\xff\xfe{}".to_vec(), "UTF-8"),
        inventory("not JSON", b"hello".to_vec(), "expected"),
        inventory("nothing", Vec::new(), "EOF"),
        inventory(
            "100,000 brackets",
            format!("{{\"x\":{}", "[".repeat(100_000)).into_bytes(),
            "recursion limit",
        ),
        inventory("an unknown type", with("type", json!("inventory.burn-stock.v1")), "burn-stock"),
        inventory("an unknown version", with("type", json!("inventory.release-stock.v9")), "v9"),
        inventory("another CloudEvents", with("specversion", json!("0.3")), "0.3"),
        inventory("no id", no_id.to_string().into_bytes(), "id"),
        inventory("a forged id", with("id", json!(Uuid::new_v4())), "forged"),
        inventory("another subject", with("subject", json!(Uuid::new_v4())), "subject"),
        inventory("no traceparent", with("traceparent", json!("x")), "traceparent"),
        orders("an unknown order", unknown_order.to_string().into_bytes(), "unknown"),
        orders("a reply to a finished saga", late_reply.to_string().into_bytes(), "finished"),
        orders("not UTF-8, to orders", b"\xc3\x28".to_vec(), "UTF-8"),
    ])
}

/// Straight into a queue, as somebody would who has the password and means ill.
pub async fn publish(channel: &Channel, queue: &str, body: &[u8]) -> Result<()> {
    let properties = BasicProperties::default().with_delivery_mode(2);
    let confirm =
        channel.basic_publish("".into(), queue.into(), BasicPublishOptions::default(), body, properties);
    ensure!(confirm.await?.await?.is_ack(), "{queue} did not take the poison");
    Ok(())
}

/// The reason that a dead letter with this body carries, if there is one.
async fn reason_of(connection: &Connection, queue: &str, body: &[u8]) -> Result<Option<String>> {
    // What this channel got and did not ack goes back to the queue when the channel closes.
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
