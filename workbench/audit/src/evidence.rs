//! I9: everything that the load should cover was covered.

use std::collections::BTreeMap;

use super::Expected;
use super::records::Records;
use crate::{Audit, Verdict, words};
use terminal::text::Text;

/// Checks that each requested fault fired and that each intended outcome occurred often enough.
///
/// This is the only invariant about the load itself. Too few orders with an outcome mean *no evidence*. A fault that
/// did not fire is a violation.
pub(super) fn enough_was_tried(records: &Records, expected: &Expected) -> Audit {
    let mut decided: BTreeMap<&str, u64> = BTreeMap::new();
    for order in records.orders.iter().filter(|order| order.is_terminal()) {
        *decided.entry(order.outcome()).or_default() += 1;
    }
    let silent: Vec<Text> =
        expected.faults.iter().filter(|fault| !fault.fired).map(|fault| fault.name.clone()).collect();
    let rare: Vec<String> = expected
        .outcomes
        .iter()
        .map(|outcome| (outcome, decided.get(outcome.as_str()).copied().unwrap_or_default()))
        .filter(|(_, orders)| *orders < expected.min_per_outcome)
        .map(|(outcome, orders)| format!("{outcome} {orders}"))
        .collect();

    let faults = match expected.faults.len() {
        0 => words::no_fault_wanted(),
        n => words::faults_fired(n),
    };
    let least = expected.min_per_outcome;
    let (verdict, evidence) = if !silent.is_empty() {
        (Verdict::Violated, words::did_not_fire(Text::join(&silent, ", ")))
    } else if decided.is_empty() {
        (Verdict::NoEvidence, words::none_decided(faults))
    } else if !rare.is_empty() {
        (Verdict::NoEvidence, words::too_few(least, rare.join(", "), faults))
    } else {
        let counts: Vec<String> = decided.iter().map(|(outcome, n)| format!("{outcome} {n}")).collect();
        (Verdict::Held, words::decided(counts.join(", "), faults))
    };
    Audit {
        invariant: "I9".into(),
        title: words::i9(),
        verdict,
        checked: decided.values().sum::<u64>() + expected.faults.len() as u64,
        evidence,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fault;
    use super::super::made_up::{confirmed, refused, shop};
    use super::*;

    #[test]
    fn a_silent_fault_is_a_violation_and_a_rare_outcome_no_evidence() {
        let shop = shop([confirmed(1), confirmed(2), refused(3, "out_of_stock")]);
        let expected = Expected {
            outcomes: vec!["confirmed".into(), "out_of_stock".into()],
            min_per_outcome: 1,
            ..Expected::default()
        };
        let verdict = |expected: &Expected| enough_was_tried(&shop, expected).verdict;
        assert_eq!(verdict(&expected), Verdict::Held);
        assert_eq!(verdict(&Expected { min_per_outcome: 2, ..expected.clone() }), Verdict::NoEvidence);
        let fault = |fired| vec![Fault { name: "kill inventory".into(), fired }];
        assert_eq!(verdict(&Expected { faults: fault(true), ..expected.clone() }), Verdict::Held);
        assert_eq!(verdict(&Expected { faults: fault(false), ..expected.clone() }), Verdict::Violated);
        assert_eq!(enough_was_tried(&Records::default(), &expected).verdict, Verdict::NoEvidence);
    }
}
