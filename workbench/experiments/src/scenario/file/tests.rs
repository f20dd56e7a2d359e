use terminal::language::{self, Language};

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::*;

fn parse(steps: &str) -> Result<Scenario> {
    Scenario::parse(&format!("name = 'x'\nabout = 'y'\nlength_s = 20\n{steps}"))
}

fn refused(steps: &str) -> String {
    language::with(Language::English, || format!("{:#}", parse(steps).expect_err(steps)))
}

#[test]
fn every_scenario_that_ships_is_in_order() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/scenarios");
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 9);
    for file in files {
        let scenario = Scenario::read(&file).unwrap_or_else(|error| panic!("{error:#}"));
        assert!(!scenario.steps.is_empty(), "{}", file.display());
    }
}

#[test]
fn the_load_has_no_gaps() {
    let scenario = parse(
        "[[step]]\nat_s = 5\nflash_sale = { products = 3, quota = 1, for_s = 4 }\n\
         [[step]]\nat_s = 7\nload = { order = 99 }\n[[step]]\nat_s = 12\nload = { order = 1 }\n",
    )
    .unwrap();
    let parts: Vec<_> = scenario
        .parts
        .iter()
        .map(|part| (part.from.as_secs(), part.to.as_secs(), part.rates.order, part.on_sale))
        .collect();
    assert_eq!(
        parts,
        [(0, 5, 20.0, 0), (5, 7, 20.0, 3), (7, 9, 99.0, 3), (9, 12, 99.0, 0), (12, 20, 1.0, 0)]
    );
    assert_eq!(scenario.steps.len(), 1, "a change of the load is no disturbance");
}

#[test]
fn what_cannot_be_run_is_refused_in_words() {
    for (steps, words) in [
        ("[[step]]\nat_s = 1\n", "does nothing"),
        ("[[step]]\nat_s = 1\ndeploy = 'orders'\nload = {}\n", "several things"),
        ("[[step]]\nat_s = 1\nload = {}\nagain_for_s = 2\n", "only be given with deploy"),
        ("[[step]]\nat_s = 1\ndeploy = 'orders'\nagain_for_s = 20\n", "after the scenario"),
        ("[[step]]\nat_s = -1\ndeploy = 'orders'\n", "a time in seconds"),
        ("[[step]]\nat_s = 25\ndeploy = 'orders'\n", "after the end"),
        ("[[step]]\nat_s = 9\ndeploy = 'orders'\n[[step]]\nat_s = 8\ndeploy = 'orders'\n", "comes before"),
        ("[[step]]\nat_s = 1\ndeploy = 'nobody'\n", "these can: catalog, inventory"),
        ("[[step]]\nat_s = 1\nscale = { service = 'orders', instances = 0 }\n", "between 1 and"),
        ("[[step]]\nat_s = 1\nfault = { kind = 'kill', target = 'nobody' }\n", "orders"),
        ("[[step]]\nat_s = 1\nfault = { kind = 'fire', target = 'orders' }\n", "latency"),
        ("[[step]]\nat_s = 1\nfault = { kind = 'down', target = 'gateway-nothing' }\n", "gateway-inventory"),
        ("[[step]]\nat_s = 1\nfault = { kind = 'pause', target = 'orders', for = '-2s' }\n", "2s"),
        ("[[step]]\nat_s = 15\nfault = { kind = 'pause', target = 'orders', for = '9s' }\n", "ends after"),
        ("[load]\norder = -1\n", "between 0 and"),
        ("[load]\nodrer = 1\n", "odrer"),
        ("[[step]]\nat_s = 1\nflash_sale = { products = 0, quota = 1, for_s = 1 }\n", "between 1 and"),
        ("[steady]\nserved = 1.5\n", "a share"),
    ] {
        let said = refused(steps);
        assert!(said.contains(words), "{steps} gives {said}");
    }
    let twice = "[[step]]\nat_s = 1\nfault = { kind = 'pause', target = 'orders', for = '5s' }\n";
    let again = twice.replace("at_s = 1", "at_s = 3");
    assert!(refused(&format!("{twice}{again}")).contains("overlaps"));
    assert!(parse(&format!("{twice}{}", twice.replace("at_s = 1", "at_s = 6"))).is_ok());
}
