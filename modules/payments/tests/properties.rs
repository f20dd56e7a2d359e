//! For any calls, in any order and repeated any number of times: money is neither created nor lost.

use std::collections::BTreeSet;

use contracts::{Command, CustomerId, Error, Event, Money, OrderId, RefusalCode};
use payments::{Deposit, DepositError, MemoryPayments, Payment, deposit, handle};
use proptest::prelude::*;
use uuid::Uuid;

/// One call. There are few orders and customers, so that calls collide. An order always has the same customer and
/// amount, since the plan derives both from the order.
#[derive(Debug, Clone)]
enum Call {
    Deposit { deposit: u128, amount: i64 },
    Authorize { order: u128 },
    Capture { order: u128 },
    Void { order: u128 },
    Refund { order: u128 },
}

/// The result of a call.
#[derive(Debug, PartialEq)]
enum Outcome {
    Done(Option<Event>),
    Refused(RefusalCode),
    /// A call that no plan makes: voiding what is captured, or refunding what is only held.
    OutOfPlan,
}

fn call() -> impl Strategy<Value = Call> {
    let deposit = (0u128..8, 0i64..50).prop_map(|(deposit, amount)| Call::Deposit { deposit, amount });
    prop_oneof![
        1 => deposit,
        2 => (0u128..8).prop_map(|order| Call::Authorize { order }),
        2 => (0u128..8).prop_map(|order| Call::Capture { order }),
        1 => (0u128..8).prop_map(|order| Call::Void { order }),
        1 => (0u128..8).prop_map(|order| Call::Refund { order }),
    ]
}

fn id(order: u128) -> OrderId {
    OrderId(Uuid::from_u128(order))
}

fn customer(n: u128) -> CustomerId {
    format!("c-{}", n % 2).parse().unwrap()
}

async fn perform(store: &mut MemoryPayments, call: &Call) -> Outcome {
    let command = match *call {
        Call::Deposit { deposit: n, amount } => {
            let booked =
                Deposit { deposit_id: Uuid::from_u128(n), customer_id: customer(n), amount: Money(amount) };
            let outcome = deposit(store, &[booked]).await;
            assert!(matches!(outcome, Ok(()) | Err(DepositError::IdReused(_))), "{outcome:?}");
            return Outcome::Done(None);
        }
        Call::Capture { order } => Command::CapturePayment {
            order_id: id(order),
            customer_id: customer(order),
            amount: Money(7 * order as i64),
        },
        Call::Authorize { order } => Command::AuthorizePayment {
            order_id: id(order),
            customer_id: customer(order),
            amount: Money(7 * order as i64),
        },
        Call::Void { order } => Command::VoidPayment { order_id: id(order) },
        Call::Refund { order } => Command::RefundPayment { order_id: id(order) },
    };
    let before = store.payment(command.order_id()).cloned();
    match handle(store, command).await {
        Ok(event) => Outcome::Done(Some(event)),
        Err(Error::Refused(refusal)) => Outcome::Refused(refusal.code),
        Err(Error::Broken(error)) => match (call, before) {
            (Call::Void { .. }, Some(Payment::Captured(..))) => Outcome::OutOfPlan,
            (Call::Refund { .. }, Some(Payment::Authorized(..))) => Outcome::OutOfPlan,
            _ => panic!("{call:?} broke: {error}"),
        },
    }
}

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

proptest! {
    #[test]
    fn the_ledger_adds_up(calls in prop::collection::vec(call(), 0..60)) {
        run(async {
            let (mut store, mut returned) = (MemoryPayments::default(), BTreeSet::new());
            for call in calls {
                let too_late =
                    matches!(call, Call::Authorize { order } | Call::Capture { order } if returned.contains(&order));
                let answer = perform(&mut store, &call).await;
                prop_assert!(store.balances(), "after {call:?}: {store:?}");
                // Taking money that was given back, or whose return came first, is refused: rule 19 (tombstone).
                prop_assert_eq!(too_late, answer == Outcome::Refused(RefusalCode::Withdrawn));
                if let (Call::Refund { order } | Call::Void { order }, Outcome::Done(_)) = (call, answer) {
                    returned.insert(order);
                    prop_assert_eq!(store.payment(id(order)), Some(&Payment::Returned));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn twice_is_once(calls in prop::collection::vec(call(), 0..60)) {
        run(async {
            let (mut once, mut twice) = (MemoryPayments::default(), MemoryPayments::default());
            for call in calls {
                let first = perform(&mut once, &call).await;
                prop_assert_eq!(&first, &perform(&mut twice, &call).await);
                prop_assert_eq!(&first, &perform(&mut twice, &call).await, "the second time, {:?}", call);
                for n in 0..2 {
                    prop_assert_eq!(once.balance(&customer(n)), twice.balance(&customer(n)));
                }
            }
            Ok(())
        })?;
    }
}

#[test]
fn another_deposit_under_a_known_id_is_refused_with_all_that_came_along() {
    run(async {
        let mut store = MemoryPayments::default();
        let booking = |n, owner, amount| Deposit {
            deposit_id: Uuid::from_u128(n),
            customer_id: customer(owner),
            amount: Money(amount),
        };
        deposit(&mut store, &[booking(1, 0, 5)]).await.unwrap();
        deposit(&mut store, &[booking(1, 0, 5), booking(2, 0, 1), booking(2, 0, 1)]).await.unwrap();
        let known = Uuid::from_u128(1);
        for other in [booking(1, 0, 6), booking(1, 1, 5)] {
            let refused = deposit(&mut store, &[booking(3, 0, 100), other]).await;
            assert!(matches!(refused, Err(DepositError::IdReused(id)) if id == known), "{refused:?}");
        }
        assert!(deposit(&mut store, &[booking(3, 0, 1), booking(3, 0, 2)]).await.is_err());
        assert_eq!((store.balance(&customer(0)), store.balance(&customer(1))), (Some(Money(6)), None));
    });
}
