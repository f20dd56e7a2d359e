//! docs/faults.md agrees with the catalogue in the program, and its scenario can be run.

use experiments::scenario::Scenario;
use faults::{Attribute, KINDS, Kind, Link, Unit};
use terminal::language::{self, Language};
use topology::Driver;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.md"));
const KOREAN: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/faults.ko.md"));

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
        kind.does(),
        kind.in_monolith()
    )
}

/// The rows of the table with this heading.
fn rows<'a>(document: &'a str, heading: &str) -> Vec<&'a str> {
    let table = document.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
    table.take_while(|line| line.starts_with('|')).collect()
}

#[test]
fn its_table_is_the_catalogue() {
    let catalogue: Vec<String> = language::with(Language::English, || KINDS.iter().map(row).collect());
    let rows = rows(DOCUMENT, "| kind ");
    assert_eq!(rows, catalogue, "the table in docs/faults.md should be:\n{}", catalogue.join("\n"));
}

#[test]
fn the_korean_table_describes_each_fault_as_the_program_does() {
    let rows = rows(KOREAN, "| 종류 ");
    assert_eq!(rows.len(), KINDS.len());
    for (row, kind) in rows.iter().zip(KINDS) {
        let (does, there) = language::with(Language::Korean, || (kind.does(), kind.in_monolith()));
        assert!(row.starts_with(&format!("| `{}` |", kind.name)), "{row}");
        assert!(row.ends_with(&format!("| {does} | {there} |")), "{row}: {does} | {there}");
    }
}

#[test]
fn it_names_every_link() {
    for link in [Driver::Local, Driver::Orchestrated].into_iter().flat_map(Link::all) {
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
