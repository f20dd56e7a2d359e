//! `docs/run.schema.json` agrees with the types.

use serde_json::{Value, json};

use load::Arrivals;

use crate::sample::{ladder, monolith_and_split};

const SCHEMA: &str = include_str!("../../../../docs/run.schema.json");

/// A way to damage a file.
type Damage = fn(&mut Value);

/// The schema's errors for a file.
fn errors(instance: &Value) -> Vec<String> {
    let mut schema: Value = serde_json::from_str(SCHEMA).expect("the schema is JSON");
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).expect("the schema is a schema");
    validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Readers must ignore unknown fields, so the schema allows them. The program must not write any, or the schema would
/// be incomplete.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(close);
            if object.contains_key("type") && object.contains_key("properties") {
                object.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn written() -> Value {
    serde_json::from_str(&report::json(&monolith_and_split()).expect("a run")).expect("JSON")
}

#[test]
fn what_is_written_fits_the_schema() {
    assert_eq!(errors(&written()), Vec::<String>::new());

    let stages = serde_json::from_str(&report::json(&ladder()).expect("a run")).expect("JSON");
    assert_eq!(errors(&stages), Vec::<String>::new());

    let mut run = monolith_and_split();
    run.load.arrivals = Arrivals::Closed { clients: 16 };
    run.servers.rabbitmq = None;
    run.commit = None;
    run.modes[0].trials.truncate(1);
    run.comparison = report::stats::compare(&run.modes);
    let value = serde_json::from_str(&report::json(&run).expect("a run")).expect("JSON");
    assert_eq!(errors(&value), Vec::<String>::new());
}

#[test]
fn what_is_broken_does_not() {
    let cases: [(&str, Damage); 9] = [
        ("a missing field", |run| {
            run["modes"][0]["trials"][0].as_object_mut().expect("a trial").remove("ready_ms");
        }),
        ("a wrong word", |run| run["modes"][0]["trials"][0]["audit"][0]["verdict"] = json!("passed")),
        ("a wrong verdict of a comparison", |run| run["comparison"][0]["verdict"] = json!("faster")),
        ("a driver that does not exist", |run| run["modes"][1]["driver"] = json!("split:magic")),
        ("flaws that are not said to be none", |run| {
            run.as_object_mut().expect("a run").remove("flaws");
        }),
        ("an unknown field", |run| run["modes"][0]["trials"][0]["orders"]["lost"] = json!(1)),
        ("another version", |run| run["schema"] = json!("cleave.run/2")),
        ("an open load without a rate", |run| {
            run["load"].as_object_mut().expect("a load").remove("rate_per_s");
        }),
        ("a figure that is not a number", |run| {
            run["modes"][0]["trials"][0]["throughput_per_s"] = Value::Null;
        }),
    ];
    for (what, damage) in cases {
        let mut run = written();
        damage(&mut run);
        assert!(!errors(&run).is_empty(), "{what} went through");
    }
}
