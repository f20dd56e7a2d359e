//! For any calls, in any order and repeated any number of times: a sale gives out exactly what orders hold.

use std::collections::BTreeSet;

use catalog::{Claim, MemoryCatalog, Product, Sale, handle, put};
use contracts::{Command, Error, Money, OrderId, OrderLine, RefusalCode};
use proptest::prelude::*;
use uuid::Uuid;

const FULL: i64 = 100;
const SALE: i64 = 60;

/// One call. There are few orders and units, so that calls collide.
#[derive(Debug, Clone)]
enum Call {
    Honour { order: u128, quantity: i64, price: i64 },
    Release { order: u128 },
}

fn call() -> impl Strategy<Value = Call> {
    let honour = (0u128..5, 1i64..4, prop_oneof![Just(FULL), Just(SALE), Just(1)])
        .prop_map(|(order, quantity, price)| Call::Honour { order, quantity, price });
    prop_oneof![2 => honour, 1 => (0u128..5).prop_map(|order| Call::Release { order })]
}

fn id(order: u128) -> OrderId {
    OrderId(Uuid::from_u128(order))
}

fn command(call: &Call) -> Command {
    match *call {
        Call::Honour { order, quantity, price } => Command::HonourPrices {
            order_id: id(order),
            lines: vec![OrderLine {
                sku: "a".parse().unwrap(),
                quantity: quantity.try_into().unwrap(),
                unit_price: Money(price),
            }],
        },
        Call::Release { order } => Command::ReleasePrices { order_id: id(order) },
    }
}

async fn shop() -> MemoryCatalog {
    let mut store = MemoryCatalog::default();
    let sale = Some(Sale { price: Money(SALE), quota: 5, claimed: 0 });
    let product = Product { sku: "a".parse().unwrap(), name: "A".into(), price: Money(FULL), sale };
    put(&mut store, &[product]).await.unwrap();
    store
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

proptest! {
    #[test]
    fn sales_give_out_what_orders_hold(calls in prop::collection::vec(call(), 0..40)) {
        run(async {
            let (mut store, mut released) = (shop().await, BTreeSet::new());
            for call in calls {
                let too_late = matches!(call, Call::Honour { order, .. } if released.contains(&order));
                let answer = handle(&mut store, command(&call)).await;
                prop_assert!(store.balances(), "after {call:?}: {store:?}");
                let withdrawn = match &answer {
                    Ok(_) => false,
                    Err(Error::Refused(refusal)) => refusal.code == RefusalCode::Withdrawn,
                    Err(Error::Broken(error)) => {
                        return Err(TestCaseError::fail(format!("{call:?} broke: {error}")));
                    }
                };
                // A command that arrives after its release is refused: rule 19 (tombstone).
                prop_assert_eq!(too_late, withdrawn);
                if let Call::Release { order } = call {
                    released.insert(order);
                    prop_assert_eq!(store.claim(id(order)), Some(&Claim::Released));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn twice_is_once(calls in prop::collection::vec(call(), 0..40)) {
        run(async {
            let (mut once, mut twice) = (shop().await, shop().await);
            for call in calls {
                let first = handle(&mut once, command(&call)).await;
                let doubled = handle(&mut twice, command(&call)).await;
                let again = handle(&mut twice, command(&call)).await;
                prop_assert_eq!(first.is_ok(), doubled.is_ok());
                prop_assert_eq!(doubled.is_ok(), again.is_ok(), "{:?} had another result the second time", call);
                prop_assert_eq!(once.product(&"a".parse().unwrap()), twice.product(&"a".parse().unwrap()));
            }
            Ok(())
        })?;
    }
}
