//! The rules of paying, on plain values.

use contracts::{CustomerId, Error, Money, RefusalCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Money that a customer puts into the wallet.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deposit {
    /// Chosen by the sender. The same deposit sent twice is booked once.
    pub deposit_id: Uuid,
    /// The wallet that it goes to; the first deposit opens it.
    pub customer_id: CustomerId,
    /// How much, in minor units. A deposit of 0 opens an empty wallet.
    pub amount: Money,
}

impl Deposit {
    /// The most that one deposit may bring: far below where sums of them could overflow.
    pub const MAX: Money = Money(1_000_000_000_000);

    /// What is wrong with a deposit.
    pub fn flaw(&self) -> Option<String> {
        if (Money::ZERO..=Self::MAX).contains(&self.amount) {
            return None;
        }
        Some(format!("a deposit is 0 to {} minor units, not {}", Self::MAX, self.amount))
    }
}

/// What became of an order's payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payment {
    /// Held for the order, and not yet taken from this customer.
    Authorized(CustomerId, Money),
    /// Taken from this customer.
    Captured(CustomerId, Money),
    /// Given back, or never taken and never to be: a tombstone (rule 19).
    Returned,
}

/// Says no if the wallet does not hold enough.
pub fn afford(balance: Option<Money>, amount: Money) -> Result<(), Error> {
    let refused = |detail| Err(Error::refused(RefusalCode::InsufficientFunds, detail));
    match balance {
        Some(balance) if balance >= amount => Ok(()),
        Some(balance) => refused(format!("the wallet holds {balance}, the order costs {amount}")),
        None => refused("the customer has no wallet".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_coin_can_be_spent_and_no_more() {
        assert!(afford(Some(Money(10)), Money(10)).is_ok());
        assert!(afford(Some(Money(10)), Money(11)).is_err());
        assert!(afford(None, Money(0)).is_err());
    }
}
