//! The rules of paying, on plain values.

use std::collections::BTreeMap;

use contracts::{CustomerId, Error, Money, RefusalCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Money that a customer puts into the wallet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

/// The id of a deposit that stands in the list more than once, and not each time alike.
pub fn contradiction(deposits: &[Deposit]) -> Option<Uuid> {
    let mut known: BTreeMap<Uuid, &Deposit> = BTreeMap::new();
    let reused = deposits
        .iter()
        .find_map(|deposit| known.insert(deposit.deposit_id, deposit).filter(|earlier| *earlier != deposit));
    reused.map(|deposit| deposit.deposit_id)
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
