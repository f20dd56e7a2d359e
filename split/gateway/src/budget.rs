//! The *retry budget* (from Finagle): retries are limited to a percentage of the requests. If everything fails, the
//! load grows by that percentage instead of multiplying.

/// The maximum number of saved retries.
const MOST: u64 = 100;

/// The number of retries available at the start, in case the first requests fail.
const AT_FIRST: u64 = 10;

/// The price of one retry. Each request earns the configured percentage.
const PRICE: u64 = 100;

/// The budget that is left.
#[derive(Debug)]
pub struct RetryBudget {
    balance: u64,
}

impl RetryBudget {
    /// The initial budget.
    pub fn new() -> RetryBudget {
        RetryBudget { balance: AT_FIRST * PRICE }
    }

    /// A request was sent and earns this percentage of a retry.
    pub fn earn(&mut self, percent: u64) {
        self.balance = (self.balance + percent).min(MOST * PRICE);
    }

    /// Takes one retry if the budget allows it. At 0 % it never does, even if there is a balance.
    pub fn spend(&mut self, percent: u64) -> bool {
        let affordable = percent > 0 && self.balance >= PRICE;
        if affordable {
            self.balance -= PRICE;
        }
        affordable
    }

    /// The number of retries that are left.
    pub fn left(&self) -> u64 {
        self.balance / PRICE
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn retries_are_a_share_of_the_requests(
            percent in 0..=100u64,
            steps in prop::collection::vec(any::<bool>(), 0..5000),
        ) {
            let mut budget = RetryBudget::new();
            let (mut requests, mut retries) = (0, 0);
            for is_retry in steps {
                if is_retry {
                    retries += u64::from(budget.spend(percent));
                } else {
                    requests += 1;
                    budget.earn(percent);
                }
                prop_assert!(retries <= AT_FIRST + requests * percent / 100);
                prop_assert!(budget.left() <= MOST);
            }
        }
    }

    #[test]
    fn what_is_earned_can_be_spent() {
        let mut budget = RetryBudget::new();
        while budget.spend(20) {}
        (0..4).for_each(|_| budget.earn(20));
        assert!(!budget.spend(20), "four requests earn less than a retry at 20 %");
        budget.earn(20);
        assert!(budget.spend(20) && !budget.spend(20));
    }
}
