//! The rules of paying, on plain values.

use std::collections::BTreeMap;

use contracts::{CustomerId, Error, Money, RefusalCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Money that a customer pays into a wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deposit {
    /// Chosen by the sender. The same deposit sent twice is booked once.
    pub deposit_id: Uuid,
    /// The owner of the wallet. The first deposit creates it.
    pub customer_id: CustomerId,
    /// The amount in minor units. A deposit of 0 creates an empty wallet.
    pub amount: Money,
}

impl Deposit {
    /// The maximum amount of one deposit, low enough that sums of deposits cannot overflow.
    pub const MAX: Money = Money(1_000_000_000_000);

    /// Why the deposit is invalid, or `None` if it is valid.
    pub fn flaw(&self) -> Option<String> {
        if (Money::ZERO..=Self::MAX).contains(&self.amount) {
            return None;
        }
        Some(format!("a deposit must be 0 to {} minor units, not {}", Self::MAX, self.amount))
    }
}

/// The id of a deposit that is listed more than once with different content.
pub fn contradiction(deposits: &[Deposit]) -> Option<Uuid> {
    let mut known: BTreeMap<Uuid, &Deposit> = BTreeMap::new();
    let reused = deposits
        .iter()
        .find_map(|deposit| known.insert(deposit.deposit_id, deposit).filter(|earlier| *earlier != deposit));
    reused.map(|deposit| deposit.deposit_id)
}

/// The state of an order's payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payment {
    /// Held for the order, not taken from this customer yet.
    Authorized(CustomerId, Money),
    /// Taken from this customer.
    Captured(CustomerId, Money),
    /// Given back, or never taken and never will be: rule 19 (tombstone).
    Returned,
}

/// Refuses if the wallet's balance is too low.
pub fn afford(balance: Option<Money>, amount: Money) -> Result<(), Error> {
    let refused = |detail| Err(Error::refused(RefusalCode::InsufficientFunds, detail));
    match balance {
        Some(balance) if balance >= amount => Ok(()),
        Some(balance) => refused(format!("the wallet has {balance}, the order costs {amount}")),
        None => refused("the customer has no wallet".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_does_not_contradict_itself() {
        let deposit = |id, customer: &str, amount| Deposit {
            deposit_id: Uuid::from_u128(id),
            customer_id: customer.parse().unwrap(),
            amount: Money(amount),
        };
        let (a, b) = (deposit(1, "a", 5), deposit(2, "b", 5));
        assert_eq!(contradiction(&[a.clone(), b.clone(), a.clone()]), None);
        for other in [deposit(1, "a", 6), deposit(1, "b", 5)] {
            assert_eq!(contradiction(&[a.clone(), b.clone(), other]), Some(a.deposit_id));
        }
    }

    #[test]
    fn the_last_coin_can_be_spent_and_no_more() {
        assert!(afford(Some(Money(10)), Money(10)).is_ok());
        assert!(afford(Some(Money(10)), Money(11)).is_err());
        assert!(afford(None, Money(0)).is_err());
    }
}
