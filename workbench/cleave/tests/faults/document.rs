//! docs/faults.md agrees with the catalogue in the program, and its scenario can be run.

use experiments::scenario::Scenario;
use faults::{Attribute, KINDS, Kind, Link, Unit};
use topology::Mode;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.md"));

fn attribute(attribute: &Attribute) -> String {
    let Attribute { name, unit, least, most, default } = attribute;
    let bounds = match unit {
        Unit::Word => String::new(),
        _ => format!(" {least} to {most} {}", unit.symbol()),
    };
    let bounds = bounds.trim_end();
    let default = match (unit, default) {
        (_, None) => "; required".to_owned(),
        (Unit::Word, Some(_)) => String::new(),
        (_, Some(default)) => format!("; {default}"),
    };
    format!("`{name}`{bounds}{default}")
}

fn row(kind: &Kind) -> String {
    let attributes: Vec<String> = kind.attributes.iter().map(attribute).collect();
    let attributes = if attributes.is_empty() { "none".to_owned() } else { attributes.join("<br>") };
    format!(
        "| `{}` | {} | {attributes} | {} | {} |",
        kind.name,
        kind.on.name(),
        kind.does,
        kind.in_monolith()
    )
}

#[test]
fn its_table_is_the_catalogue() {
    let catalogue: Vec<String> = KINDS.iter().map(row).collect();
    let table = DOCUMENT.lines().skip_while(|line| !line.starts_with("| kind ")).skip(2);
    let rows: Vec<&str> = table.take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows, catalogue, "the table in docs/faults.md should be:\n{}", catalogue.join("\n"));
}

#[test]
fn it_names_every_link() {
    for link in Mode::ALL.into_iter().flat_map(Link::all) {
        let name = link.to_string();
        let shown = ["catalog", "inventory", "orders", "payments", "shipping"]
            .iter()
            .fold(name.clone(), |name, service| name.replace(service, "SERVICE"));
        assert!(DOCUMENT.contains(&format!("`{shown}`")), "{name}");
    }
}

#[test]
fn its_example_of_a_scenario_can_be_run() {
    let (_, example) = DOCUMENT.split_once("```toml\n").expect("there is an example");
    let (example, _) = example.split_once("```").expect("it has an end");
    let scenario = Scenario::parse(example).unwrap_or_else(|error| panic!("{error:#}"));
    assert_eq!(scenario.steps.len(), 4, "and a change of the load");
}
