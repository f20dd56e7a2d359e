//! The steps of a checkout.

use contracts::{Command, PlacedOrder};

/// An action and what undoes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The command to carry out.
    pub action: Command,
    /// The command that undoes it after a later step refused. `None` from the pivot on.
    pub compensation: Option<Command>,
}

/// The checkout of this order. Every command derives from the order alone. No step needs another step's result, so any
/// step can be asked again at any time.
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

/// One module's part in *try, confirm, cancel*.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participation {
    /// The try: reserves something, or refuses.
    pub reserve: Command,
    /// Makes the reservation final. Cannot refuse. `None` if it is final already, or if nothing was reserved.
    pub confirm: Option<Command>,
    /// Releases the reservation. Cannot refuse. `None` if nothing was reserved.
    pub cancel: Option<Command>,
}

/// The same checkout for *try, confirm, cancel*, where all modules are asked at once. Here too every command derives
/// from the order alone.
pub fn participations(order: &PlacedOrder) -> Vec<Participation> {
    let PlacedOrder { order_id, customer_id, region, lines, total } = order.clone();
    vec![
        Participation {
            reserve: Command::HonourPrices { order_id, lines: lines.clone() },
            confirm: None,
            cancel: Some(Command::ReleasePrices { order_id }),
        },
        Participation {
            reserve: Command::ReserveStock { order_id, lines },
            confirm: Some(Command::CommitReservation { order_id }),
            cancel: Some(Command::ReleaseStock { order_id }),
        },
        Participation {
            reserve: Command::AuthorizePayment { order_id, customer_id: customer_id.clone(), amount: total },
            confirm: Some(Command::CapturePayment { order_id, customer_id, amount: total }),
            cancel: Some(Command::VoidPayment { order_id }),
        },
        Participation {
            reserve: Command::QuoteShipment { order_id, region: region.clone() },
            confirm: Some(Command::ScheduleShipment { order_id, region }),
            cancel: None,
        },
    ]
}
