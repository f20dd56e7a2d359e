//! The bound routing keys, the reactions and the published events must agree. Otherwise a message reaches no
//! service.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use contracts::{Command, Event, Money, OrderId, OrderLine, OrderRequest, PlacedOrder, Refusal, RefusalCode};

type React = fn(&Event, &PlacedOrder) -> Option<Command>;

/// Each module: its name, the keys that it binds, and its reaction to an event.
const MODULES: [(&str, &[&str], React); 5] = [
    ("catalog", catalog::HEARS, catalog::react),
    ("inventory", inventory::HEARS, inventory::react),
    ("orders", orders::HEARS, orders::react),
    ("payments", payments::HEARS, payments::react),
    ("shipping", shipping::HEARS, shipping::react),
];

fn order() -> Result<PlacedOrder> {
    let line = OrderLine { sku: "a".parse()?, quantity: 1.try_into()?, unit_price: Money(5) };
    let request = OrderRequest { customer_id: "c".parse()?, region: "seoul".parse()?, lines: vec![line] };
    Ok(PlacedOrder::new(OrderId::new(), request)?)
}

/// Every event of a choreography.
fn events(order: &PlacedOrder) -> Vec<Event> {
    let order_id = order.order_id;
    let refusal = Refusal { code: RefusalCode::OutOfStock, detail: "none left".into() };
    vec![
        Event::OrderPlaced(order.clone()),
        Event::OrderConfirmed { order_id },
        Event::OrderCancelled { order_id, refusal: refusal.clone() },
        Event::PricesHonoured { order_id },
        Event::PricesRefused { order_id, refusal: refusal.clone() },
        Event::PricesReleased { order_id },
        Event::StockReserved { order_id },
        Event::StockRefused { order_id, refusal: refusal.clone() },
        Event::StockReleased { order_id },
        Event::PaymentCaptured { order_id },
        Event::PaymentRefused { order_id, refusal: refusal.clone() },
        Event::PaymentRefunded { order_id },
        Event::ShipmentScheduled { order_id },
        Event::ShipmentRefused { order_id, refusal },
    ]
}

pub fn a_module_hears_just_what_it_reacts_to() -> Result<()> {
    let order = order()?;
    for (module, hears, react) in MODULES {
        let hears: BTreeSet<&str> = hears.iter().copied().collect();
        let reacts: BTreeSet<&str> = events(&order)
            .iter()
            .filter(|event| react(event, &order).is_some())
            .map(Event::routing_key)
            .collect();
        ensure!(hears == reacts, "{module} binds {hears:?} but reacts to {reacts:?}");
    }
    Ok(())
}

/// A published event that no module binds would be returned by the broker forever. A bound event that is not
/// published never arrives.
pub fn what_is_sent_is_heard() -> Result<()> {
    for event in events(&order()?) {
        let heard = MODULES.iter().any(|(_, hears, _)| hears.contains(&event.routing_key()));
        ensure!(heard == event.is_acted_on(), "{} is only published, or only bound", event.routing_key());
    }
    Ok(())
}

/// A reaction is about the event's order, and is a command for the module that reacts.
pub fn reactions_stay_at_home() -> Result<()> {
    let order = order()?;
    for (module, _, react) in MODULES {
        for command in events(&order).iter().filter_map(|event| react(event, &order)) {
            ensure!(command.order_id() == order.order_id);
            let addressee = command.routing_key().split('.').next();
            ensure!(addressee == Some(module), "{module} reacts with {}", command.routing_key());
        }
    }
    Ok(())
}
