//! The steps of a checkout.

use contracts::{Command, PlacedOrder};

/// Something to do, and what undoes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What is done.
    pub action: Command,
    /// What undoes it, once a later step has refused. `None` from the pivot on.
    pub compensation: Option<Command>,
}

/// The checkout of this order. Every command derives from the order alone: no step's result is another's input, so
/// that any step can be asked again at any time.
pub fn plan(order: &PlacedOrder) -> Vec<Step> {
    let PlacedOrder { order_id, customer_id, region, lines, total } = order.clone();
    vec![
        Step {
            action: Command::HonourPrices { order_id, lines: lines.clone() },
            compensation: Some(Command::ReleasePrices { order_id }),
        },
        Step {
            action: Command::ReserveStock { order_id, lines },
            compensation: Some(Command::ReleaseStock { order_id }),
        },
        Step {
            action: Command::CapturePayment { order_id, customer_id, amount: total },
            compensation: Some(Command::RefundPayment { order_id }),
        },
        Step { action: Command::ScheduleShipment { order_id, region }, compensation: None },
        Step { action: Command::ConfirmOrder { order_id }, compensation: None },
    ]
}
