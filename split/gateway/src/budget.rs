//! The *retry budget* (from Finagle): retries are a share of the requests, so that when everything fails the load grows
//! by that share and not by a multiple.

/// Retries that may be had at once, at most.
const MOST: u64 = 100;

/// Retries that are there at the start, for when the first requests fail.
const AT_FIRST: u64 = 10;

/// What one retry costs. A request earns the percentage that is set.
const PRICE: u64 = 100;

/// What is left for retries.
#[derive(Debug)]
pub struct RetryBudget {
    balance: u64,
}

impl RetryBudget {
    /// With something to begin with.
    pub fn new() -> RetryBudget {
        RetryBudget { balance: AT_FIRST * PRICE }
    }

    /// A request was sent: it earns this share of a retry.
    pub fn earn(&mut self, percent: u64) {
        self.balance = (self.balance + percent).min(MOST * PRICE);
    }

    /// Takes one retry, if there is one. With a share of nothing there is none, whatever was earned before.
    pub fn spend(&mut self, percent: u64) -> bool {
        let affordable = percent > 0 && self.balance >= PRICE;
        if affordable {
            self.balance -= PRICE;
        }
        affordable
    }

    /// The retries that are left.
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
