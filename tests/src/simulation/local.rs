//! The reference: the monolith's way, with the whole checkout in one transaction over all stores.

use std::rc::Rc;

use catalog::Product;
use checkout::plan;
use contracts::{Command, Error, Refusal};
use orders::{NewOrder, Order, Placed};

use super::node::{Stores, now};
use super::scenario::Errand;
use super::watch::Violation;

/// Runs errands one after the other and returns the resulting orders.
pub fn decide<'a>(
    products: &[Product],
    errands: impl Iterator<Item = &'a Errand>,
) -> Result<Vec<Order>, Violation> {
    let mut stores = Stores::default();
    now(catalog::put(Rc::make_mut(&mut stores.catalog), products)).map_err(broken)?;
    for errand in errands {
        match errand {
            Errand::Order(new) => stores = checkout(stores, new)?,
            Errand::Deposit(deposit) => {
                let store = Rc::make_mut(&mut stores.payments);
                now(payments::deposit(store, std::slice::from_ref(deposit))).map_err(broken)?;
            }
            Errand::Receipt(receipt) => {
                now(inventory::receive(Rc::make_mut(&mut stores.stock), receipt)).map_err(broken)?;
            }
        }
    }
    Ok(stores.orders.orders().cloned().collect())
}

/// Commits all steps, or only the order, as cancelled.
fn checkout(before: Stores, new: &NewOrder) -> Result<Stores, Violation> {
    let mut work = before.clone();
    if !matches!(now(orders::place(Rc::make_mut(&mut work.orders), new)), Ok(Placed::New(_))) {
        return Ok(before);
    }
    let placed = work.clone();
    for step in plan(&new.placed) {
        match work.handle(step.action) {
            Ok(_) => {}
            Err(Error::Refused(refusal)) => {
                return cancel(Stores { orders: placed.orders, ..before }, new, refusal);
            }
            Err(Error::Broken(error)) => return Err(broken(error)),
        }
    }
    Ok(work)
}

fn cancel(mut stores: Stores, new: &NewOrder, refusal: Refusal) -> Result<Stores, Violation> {
    let cancelled = stores.handle(Command::CancelOrder { order_id: new.placed.order_id, refusal });
    cancelled.map(|_| stores).map_err(|error| Violation::of("I5", format!("in one transaction: {error:?}")))
}

fn broken(error: impl std::fmt::Debug) -> Violation {
    Violation::of("I5", format!("in one transaction: {error:?}"))
}
