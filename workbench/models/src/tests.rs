//! Checks the models within bounds that are small enough for a build without optimization.

use std::collections::HashMap;

use clap::ValueEnum;
use serde_json::{Value, json};
use stateright::Model;

use super::*;

const SCHEMA: &str = include_str!("../../../docs/model.schema.json");
const FLAWS_OF_THE_SHOP: &str = include_str!("../../../modules/platform/src/flaw.rs");

fn two_phase(flaw: Option<Flaw>) -> TwoPhase {
    // A flaw breaks its rule even without duplicates, as in `cleave model`, and faster.
    TwoPhase { participants: 2, crashes: 1, duplicates: u8::from(flaw.is_none()), flaw }
}

fn saga(flaw: Option<Flaw>) -> Saga {
    Saga { participants: 2, attempts: 2, crashes: u8::from(flaw.is_none()), flaw }
}

fn checked(flaw: Flaw) -> Checked {
    match flaw.concerns() {
        Name::TwoPhase => check(&two_phase(Some(flaw))),
        Name::Saga => check(&saga(Some(flaw))),
    }
}

/// The path to the violation of the property with this prefix.
fn broken(checked: &Checked, property: &str) -> String {
    assert_eq!(checked.verdict, Verdict::Violated);
    let found = checked.properties.iter().find(|found| found.name.starts_with(property));
    let found = found.unwrap_or_else(|| panic!("no property {property}"));
    assert_eq!(found.verdict, Verdict::Violated, "{property}");
    let way = found.path.as_ref().expect("there is a way");
    terminal::text::Text::join(way, "\n").english().to_owned()
}

#[test]
fn two_phase_commit_holds_and_blocks() {
    let checked = check(&TwoPhase { participants: 3, crashes: 1, duplicates: 0, flaw: None });
    assert_eq!(checked.verdict, Verdict::Held, "{checked}");
    assert!(checked.distinct_states > 40_000, "{checked}");
}

#[test]
fn the_saga_holds_and_leaves_tombstones() {
    let checked = check(&saga(None));
    assert_eq!(checked.verdict, Verdict::Held, "{checked}");
    assert!(checked.distinct_states > 20_000, "{checked}");
}

#[test]
fn each_flaw_breaks_what_its_rule_is_for() {
    let cases = [
        (Flaw::DecisionNotDurable, "agreement", "the coordinator crashes"),
        (Flaw::DecisionNotDurable, "the decision is on record", "receives COMMIT PREPARED"),
        (Flaw::NoRecovery, "once nothing moves", "the coordinator crashes"),
        (Flaw::RecoveryIgnoresEpoch, "agreement", "the successor starts"),
        (Flaw::UnfencedDecision, "the customer is told", "loses its lock"),
        (Flaw::UnfencedDecision, "the customer is told", "deletes the decision"),
        (Flaw::NoInbox, "no effect twice", "do the step of"),
        (Flaw::NoTombstone, "what was undone", "undo the step of"),
        (Flaw::NoTombstone, "without messages", "undo the step of"),
        (Flaw::NoVersionGuard, "never both confirmed and compensated", "the slow worker saves"),
        (Flaw::FicklePivot, "without messages", "shipping refuses"),
    ];
    for flaw in Flaw::value_variants() {
        assert!(cases.iter().any(|case| case.0 == *flaw), "{flaw:?} has no case");
        let checked = checked(*flaw);
        for (_, property, step) in cases.iter().filter(|case| case.0 == *flaw) {
            let way = broken(&checked, property);
            assert!(way.contains(step), "{flaw:?}, {property}:\n{way}");
        }
    }
}

#[test]
fn every_property_has_its_words() {
    let properties = two_phase(None).properties().into_iter().map(|property| property.name);
    let all: Vec<&str> =
        properties.chain(saga(None).properties().into_iter().map(|property| property.name)).collect();
    let known: Vec<&str> = words::PROPERTIES.iter().map(|(name, _)| *name).collect();
    assert_eq!(all, known);
}

#[test]
fn the_way_to_a_violation_is_the_shortest() {
    let way = broken(&check(&two_phase(Some(Flaw::DecisionNotDurable))), "the decision is on record");
    // Two modules vote and prepare, with an answer each: eight steps. Then one gets the decision and commits.
    assert_eq!(way.lines().count(), 10, "{way}");
}

/// Whether every run of a model ends. "At rest" and "without messages" cover every run only if it does.
fn is_finite<P: Protocol>(model: &P) -> bool
where
    P::State: Eq,
{
    // Depth-first search: a state is open while the current path goes through it. Reaching an open state again is a
    // cycle.
    let start = model.init_states().remove(0);
    let mut open = HashMap::from([(start.clone(), true)]);
    let mut way = vec![(start.clone(), model.next_states(&start))];
    while let Some((state, following)) = way.last_mut() {
        let Some(next) = following.pop() else {
            open.insert(state.clone(), false);
            way.pop();
            continue;
        };
        match open.get(&next) {
            Some(true) => return false,
            Some(false) => {}
            None => {
                open.insert(next.clone(), true);
                let following = model.next_states(&next);
                way.push((next, following));
            }
        }
    }
    true
}

#[test]
fn every_run_ends() {
    assert!(is_finite(&two_phase(None)));
    assert!(is_finite(&saga(None)));
}

#[test]
fn flaws_have_the_names_that_they_have_in_the_shop() {
    let only_here = [Flaw::FicklePivot, Flaw::UnfencedDecision];
    for flaw in Flaw::value_variants().iter().filter(|flaw| !only_here.contains(flaw)) {
        assert!(FLAWS_OF_THE_SHOP.contains(&format!("    {flaw:?},\n")), "the shop has no flaw {flaw:?}");
    }
}

#[test]
fn the_explorer_is_for_this_machine_only() {
    for good in ["127.0.0.1:0", "[::1]:3000", "127.0.0.1:3000"] {
        assert!(explore::loopback(good).is_ok(), "{good}");
    }
    for bad in ["0.0.0.0:3000", "[::]:3000", "192.168.0.7:80", "127.0.0.1", "localhost:3000", ""] {
        assert!(explore::loopback(bad).is_err(), "{bad}");
    }
}

fn fits_the_schema(document: &Value) -> bool {
    let schema = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema").is_valid(document)
}

#[test]
fn findings_fit_their_schema() {
    let broken = serde_json::to_value(checked(Flaw::NoTombstone)).expect("JSON");
    let held = serde_json::to_value(check(&two_phase(None))).expect("JSON");
    assert!(fits_the_schema(&broken), "{broken:#}");
    assert!(fits_the_schema(&held), "{held:#}");

    let damages: [fn(&mut Value); 5] = [
        |findings| findings["schema"] = json!("cleave.model/2"),
        |findings| findings["verdict"] = json!("found"),
        |findings| findings["properties"][0]["path"] = json!("nowhere"),
        |findings| findings["model"] = json!("three-phase"),
        |findings| findings["more"] = json!(1),
    ];
    for damage in damages {
        let mut findings = held.clone();
        damage(&mut findings);
        assert!(!fits_the_schema(&findings), "{findings:#}");
    }
}
