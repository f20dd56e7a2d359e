//! For any calls, in any order and repeated any number of times: one shipment per order, to a region that is served.

use contracts::{Command, Error, OrderId, RefusalCode};
use proptest::prelude::*;
use shipping::{MemoryShipments, SERVED, handle};
use uuid::Uuid;

fn run<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test)
}

proptest! {
    #[test]
    fn one_parcel_an_order(calls in prop::collection::vec((0u128..5, 0usize..10), 0..40)) {
        run(async {
            let mut store = MemoryShipments::default();
            for (order, region) in calls {
                let region = SERVED.get(region).copied().unwrap_or("atlantis");
                let order_id = OrderId(Uuid::from_u128(order));
                let before = store.region(order_id).cloned();
                let command = Command::ScheduleShipment { order_id, region: region.parse().unwrap() };
                match handle(&mut store, command).await {
                    Ok(_) => prop_assert!(SERVED.contains(&region)),
                    Err(Error::Refused(refusal)) => {
                        prop_assert_eq!(refusal.code, RefusalCode::RegionNotServed);
                        prop_assert!(!SERVED.contains(&region));
                    }
                    Err(Error::Broken(error)) => prop_assert!(false, "broke: {error}"),
                }
                let after = store.region(order_id);
                prop_assert!(after.is_none_or(|after| SERVED.contains(&after.as_str())));
                prop_assert!(before.is_none() || before.as_ref() == after, "a parcel was sent elsewhere");
            }
            Ok(())
        })?;
    }
}
