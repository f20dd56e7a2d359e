//! For any calls, in any order and repeated any number of times: one order per key, and decisions never change.

use std::collections::BTreeMap;

use contracts::{Command, Error, Money, OrderId, OrderLine, OrderRequest, Refusal, RefusalCode};
use orders::{MemoryOrders, NewOrder, Order, PlaceError, Placed, handle, place};
use proptest::prelude::*;

/// One call. There are few keys and orders, so that calls collide.
#[derive(Debug, Clone)]
enum Call {
    Place { key: u8, quantity: i64 },
    Confirm { nth: usize },
    Cancel { nth: usize },
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        2 => (0u8..4, 1i64..3).prop_map(|(key, quantity)| Call::Place { key, quantity }),
        1 => (0usize..4).prop_map(|nth| Call::Confirm { nth }),
        1 => (0usize..4).prop_map(|nth| Call::Cancel { nth }),
    ]
}

fn new_order(key: u8, quantity: i64) -> NewOrder {
    let line =
        OrderLine { sku: "a".parse().unwrap(), quantity: quantity.try_into().unwrap(), unit_price: Money(5) };
    let request = OrderRequest {
        customer_id: "c".parse().unwrap(),
        region: "seoul".parse().unwrap(),
        lines: vec![line],
    };
    NewOrder::new(&format!("key-{key}"), request).unwrap()
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

proptest! {
    #[test]
    fn a_key_has_one_order_and_a_decision_stands(calls in prop::collection::vec(call(), 0..40)) {
        run(async {
            let mut store = MemoryOrders::default();
            let mut by_key: BTreeMap<u8, (i64, OrderId)> = BTreeMap::new();
            for call in calls {
                let before: BTreeMap<OrderId, Order> =
                    store.orders().map(|order| (order.placed.order_id, order.clone())).collect();
                let nth = |nth: usize| before.keys().nth(nth).copied().unwrap_or_else(OrderId::new);
                match call {
                    Call::Place { key, quantity } => {
                        let order = new_order(key, quantity);
                        match (by_key.get(&key), place(&mut store, &order).await) {
                            (None, Ok(Placed::New(_))) => {
                                by_key.insert(key, (quantity, order.placed.order_id));
                            }
                            (Some((known, id)), Ok(Placed::Known(found))) => {
                                prop_assert_eq!((*known, *id), (quantity, found.placed.order_id));
                            }
                            (Some((known, _)), Err(PlaceError::KeyReused)) => prop_assert_ne!(*known, quantity),
                            (known, answer) => prop_assert!(false, "{known:?} was answered {answer:?}"),
                        }
                    }
                    Call::Confirm { nth: n } => {
                        let command = Command::ConfirmOrder { order_id: nth(n) };
                        decided(&mut store, &before, command).await?;
                    }
                    Call::Cancel { nth: n } => {
                        let refusal = Refusal { code: RefusalCode::OutOfStock, detail: "none left".into() };
                        let command = Command::CancelOrder { order_id: nth(n), refusal };
                        decided(&mut store, &before, command).await?;
                    }
                }
                for (id, order) in before.iter().filter(|(_, order)| order.status.is_terminal()) {
                    let now = store.orders().find(|order| order.placed.order_id == *id);
                    prop_assert_eq!(now, Some(order), "a decided order changed");
                }
            }
            prop_assert_eq!(store.orders().count(), by_key.len());
            Ok(())
        })?;
    }
}

/// A decision succeeds if the order exists and is pending, or was already decided the same way. Otherwise it must fail,
/// so that the message becomes a dead letter instead of disappearing.
async fn decided(
    store: &mut MemoryOrders,
    before: &BTreeMap<OrderId, Order>,
    command: Command,
) -> Result<(), TestCaseError> {
    let confirms = matches!(command, Command::ConfirmOrder { .. });
    let possible = before
        .get(&command.order_id())
        .is_some_and(|order| !order.status.is_terminal() || order.refusal.is_none() == confirms);
    match handle(store, command).await {
        Ok(_) => prop_assert!(possible),
        Err(Error::Broken(_)) => prop_assert!(!possible),
        Err(Error::Refused(refusal)) => prop_assert!(false, "a decision was refused: {refusal:?}"),
    }
    Ok(())
}
