use serde_json::json;
use terminal::language::{self, Language};

use super::super::kind::KINDS;
use super::*;

fn read(json: Value) -> std::result::Result<FaultSpec, String> {
    language::with(Language::English, || serde_json::from_value(json).map_err(|error| error.to_string()))
}

/// One spec per kind, with only the required attributes.
fn one_of_each() -> Vec<FaultSpec> {
    let made = KINDS.iter().map(|kind| {
        let needed = kind.attributes.iter().filter(|attribute| attribute.default.is_none());
        let value = |least: i64| json!(least.max(1));
        let told = needed.map(|attribute| {
            let word = attribute.unit == super::super::attribute::Unit::Word;
            (attribute.name.to_owned(), if word { json!("after-commit") } else { value(attribute.least) })
        });
        let target = match kind.on {
            On::Link => Some("inventory-database"),
            On::Process | On::Messages => Some("inventory"),
            On::Database | On::Broker => None,
        };
        FaultSpec::told(kind.name, target, told.collect()).unwrap()
    });
    made.collect()
}

#[test]
fn every_kind_is_read_as_it_is_written() {
    for spec in one_of_each() {
        let written = serde_json::to_value(&spec).unwrap();
        assert_eq!(read(written.clone()), Ok(spec), "{written}");
    }
}

#[test]
fn what_is_not_said_has_a_default() {
    let spec =
        read(json!({"kind": "latency", "target": "gateway-inventory", "attributes": {"latency": "1.5s"}}));
    let spec = spec.unwrap();
    assert_eq!((spec.number("latency"), spec.number("jitter")), (1500, 0));
    assert_eq!((spec.stream, spec.toxicity), (Stream::Downstream, 1.0));
    assert_eq!(spec.time_to_live, Duration::from_secs(10));
    let skew =
        read(json!({"kind": "clock_skew", "target": "orders", "attributes": {"skew": "-2s"}})).unwrap();
    assert_eq!(skew.number("skew"), -2000);
}

#[test]
fn what_is_wrong_is_said_with_what_is_allowed() {
    let latency = |more: Value| {
        let mut json = json!({"kind": "latency", "target": "gateway-inventory"});
        json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(json)
    };
    for (wrong, says) in [
        (read(json!({"kind": "lag", "target": "gateway-orders"})), "use one of: latency, bandwidth,"),
        (latency(json!({"target": "gateway-stock"})), "gateway-inventory, "),
        (latency(json!({"attributes": {"latncy": 1}})), "it has latency, jitter"),
        (latency(json!({"attributes": {"latency": -1}})), "between 0 and 3600000 ms, not -1"),
        (latency(json!({"for": "-1s"})), "such as 10s, 500ms or 2m"),
        (latency(json!({"for": "0s"})), "greater than 0"),
        (latency(json!({"for": "2 days"})), "such as 10s, 500ms or 2m"),
        (latency(json!({"toxicity": -0.1})), "between 0 and 1, not -0.1"),
        (latency(json!({"until": "10s"})), "unknown field `until`"),
        (read(json!({"kind": "latency"})), "needs a target: a link"),
        (read(json!({"kind": "kill", "target": "init"})), "inventory, "),
        (read(json!({"kind": "kill", "target": "1"})), "there is no process"),
        (read(json!({"kind": "kill", "target": "orders-0"})), "there is no process"),
        (read(json!({"kind": "kill", "target": "orders", "stream": "upstream"})), "it is not a toxic"),
        (read(json!({"kind": "kill_broker", "target": "database"})), "is the broker, not"),
        (
            read(json!({"kind": "delay", "target": "gateway", "attributes": {"delay": 1}})),
            "there is no service",
        ),
        (read(json!({"kind": "delay", "target": "orders"})), "needs a value for delay"),
        (read(json!({"kind": "crash_point", "target": "orders"})), "needs a value for point"),
        (
            read(json!({"kind": "crash_point", "target": "orders", "attributes": {"point": "nowhere"}})),
            "use one of: before-order-write, ",
        ),
    ] {
        let error = wrong.unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn each_has_a_counterpart_in_the_monolith_or_a_reason_why_not() {
    for spec in one_of_each() {
        let there = spec.in_shop(Driver::Local);
        assert_eq!(there.is_err(), spec.kind.missing_in_monolith().is_some(), "{spec}");
        assert_eq!(spec.in_shop(Driver::Orchestrated).unwrap(), spec);
    }
    let target = |kind: &str, target: &str, driver: Driver| {
        let spec = FaultSpec::new(kind, Some(target)).unwrap();
        let there = language::with(Language::English, || spec.in_shop(driver));
        there.map(|spec| spec.target.to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(target("kill", "inventory-2", Driver::Local).unwrap(), "monolith-2");
    assert_eq!(target("kill", "gateway", Driver::Local).unwrap(), "gateway");
    assert_eq!(target("down", "orders-database", Driver::Local).unwrap(), "monolith-database");
    assert!(target("down", "gateway-orders", Driver::Local).unwrap_err().contains("in one process"));
    assert!(target("kill", "monolith", Driver::Orchestrated).is_err());
    let hybrid = "hybrid:payments".parse().unwrap();
    assert_eq!(target("kill", "inventory-2", hybrid).unwrap(), "monolith-2");
    assert_eq!(target("kill", "payments", hybrid).unwrap(), "payments");
    assert_eq!(target("duplicate", "orders", hybrid).unwrap(), "monolith");
    assert!(target("duplicate", "inventory", hybrid).unwrap_err().contains("has not left"));
}

#[test]
fn a_crash_point_is_one_that_the_process_comes_to() {
    let point = |name: &str, process: &str, driver: Driver| {
        let told = json!({ "point": name });
        let spec = FaultSpec::told("crash_point", Some(process), told.as_object().unwrap().clone()).unwrap();
        language::with(Language::English, || spec.check_crash_point(driver))
            .map_err(|error| error.to_string())
    };
    assert_eq!(point("after-commit", "inventory-2", Driver::Orchestrated), Ok(()));
    assert_eq!(point("after-commit", "monolith", Driver::Local), Ok(()));
    let error = point("after-saga-start", "inventory", Driver::Orchestrated).unwrap_err();
    assert!(error.contains("these do: orders"), "{error}");
    assert!(point("after-ack", "monolith", Driver::Local).unwrap_err().contains("no process reaches"));
}
