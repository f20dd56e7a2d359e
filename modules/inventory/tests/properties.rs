//! For any calls, in any order and repeated any number of times: no unit is created, lost or promised twice.

use std::collections::BTreeSet;

use contracts::{Command, Error, Event, Money, OrderId, OrderLine, RefusalCode};
use inventory::{MemoryStock, Pieces, Receipt, ReceiveError, Reservation, handle, receive};
use proptest::prelude::*;
use uuid::Uuid;

/// One call. There are few orders, products and units, so that calls collide.
#[derive(Debug, Clone)]
enum Call {
    Receive { receipt: u128, sku: &'static str, quantity: i64 },
    Reserve { order: u128, lines: Vec<(&'static str, i64)> },
    Commit { order: u128 },
    Release { order: u128 },
}

/// The result of a call.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done(Option<Event>),
    Refused(RefusalCode),
    /// A call that no plan makes: committing what is not reserved, or releasing what is sold.
    OutOfPlan,
}

fn call() -> impl Strategy<Value = Call> {
    let sku = || prop::sample::select(vec!["a", "b", "c"]);
    let receive = (0u128..6, sku(), 1i64..5).prop_map(|(receipt, sku, quantity)| Call::Receive {
        receipt,
        sku,
        quantity,
    });
    let lines = prop::collection::btree_map(sku(), 1i64..4, 1..3);
    let reserve = (0u128..6, lines)
        .prop_map(|(order, lines)| Call::Reserve { order, lines: lines.into_iter().collect() });
    let commit = (0u128..6).prop_map(|order| Call::Commit { order });
    let release = (0u128..6).prop_map(|order| Call::Release { order });
    prop_oneof![1 => receive, 2 => reserve, 1 => commit, 1 => release]
}

fn id(order: u128) -> OrderId {
    OrderId(Uuid::from_u128(order))
}

async fn perform(store: &mut MemoryStock, call: &Call) -> Outcome {
    let command = match call {
        Call::Receive { receipt, sku, quantity } => {
            let pieces = Pieces { sku: sku.parse().unwrap(), quantity: (*quantity).try_into().unwrap() };
            let receipt = Receipt { receipt_id: Uuid::from_u128(*receipt), lines: vec![pieces] };
            let outcome = receive(store, &receipt).await;
            assert!(matches!(outcome, Ok(()) | Err(ReceiveError::IdReused)), "{outcome:?}");
            return Outcome::Done(None);
        }
        Call::Reserve { order, lines } => Command::ReserveStock {
            order_id: id(*order),
            lines: lines
                .iter()
                .map(|(sku, quantity)| OrderLine {
                    sku: sku.parse().unwrap(),
                    quantity: (*quantity).try_into().unwrap(),
                    unit_price: Money(1),
                })
                .collect(),
        },
        Call::Commit { order } => Command::CommitReservation { order_id: id(*order) },
        Call::Release { order } => Command::ReleaseStock { order_id: id(*order) },
    };
    let before = store.reservation(command.order_id()).cloned();
    match handle(store, command).await {
        Ok(event) => Outcome::Done(Some(event)),
        Err(Error::Refused(refusal)) => Outcome::Refused(refusal.code),
        Err(Error::Broken(error)) => match (call, before) {
            (Call::Commit { .. }, None | Some(Reservation::Released)) => Outcome::OutOfPlan,
            (Call::Release { .. }, Some(Reservation::Committed(_))) => Outcome::OutOfPlan,
            _ => panic!("{call:?} broke: {error}"),
        },
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

proptest! {
    #[test]
    fn received_is_on_hand_or_reserved(calls in prop::collection::vec(call(), 0..60)) {
        run(async {
            let (mut store, mut released) = (MemoryStock::default(), BTreeSet::new());
            for call in calls {
                let too_late = matches!(&call, Call::Reserve { order, .. } if released.contains(order));
                let answer = perform(&mut store, &call).await;
                prop_assert!(store.balances(), "after {call:?}: {store:?}");
                // A reservation that arrives after its release is refused: rule 19 (tombstone).
                prop_assert_eq!(too_late, answer == Outcome::Refused(RefusalCode::Withdrawn));
                if let (Call::Release { order }, Outcome::Done(_)) = (call, answer) {
                    released.insert(order);
                    prop_assert_eq!(store.reservation(id(order)), Some(&Reservation::Released));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn twice_is_once(calls in prop::collection::vec(call(), 0..60)) {
        run(async {
            let (mut once, mut twice) = (MemoryStock::default(), MemoryStock::default());
            for call in calls {
                let first = perform(&mut once, &call).await;
                prop_assert_eq!(&first, &perform(&mut twice, &call).await);
                prop_assert_eq!(&first, &perform(&mut twice, &call).await, "the second time, {:?}", call);
                for sku in ["a", "b", "c"].map(|sku| sku.parse().unwrap()) {
                    prop_assert_eq!(once.level(&sku), twice.level(&sku));
                }
            }
            Ok(())
        })?;
    }
}

#[test]
fn another_delivery_under_a_known_id_is_refused() {
    run(async {
        let mut store = MemoryStock::default();
        let delivery = |quantity: i64| {
            let pieces = Pieces { sku: "a".parse().unwrap(), quantity: quantity.try_into().unwrap() };
            Receipt { receipt_id: Uuid::from_u128(1), lines: vec![pieces] }
        };
        for _ in 0..2 {
            receive(&mut store, &delivery(3)).await.unwrap();
            assert!(matches!(receive(&mut store, &delivery(4)).await, Err(ReceiveError::IdReused)));
        }
        assert_eq!(store.level(&"a".parse().unwrap()).unwrap().received, 3);
    });
}
