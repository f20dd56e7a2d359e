//! One scenario on both architectures: the same kill takes a part of one, and all of the other.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tests::{Driver, Stage};

use audit::Verdict;
use experiments::scenario::{self, Options, Outcome, Scenario};
use topology::Capability;

use crate::docs;

/// A killed process is away for 0.1 s at the very least (the supervisor's first back-off), mostly for 0.3 s. Whoever is
/// to notice has to ask often enough: at 60 requests a second, some six in the shorter time.
const TEXT: &str = "
name = 'A service dies'
about = 'The payments service is killed once.'
length_s = 20
load = { browse = 60, order = 8, pay = 60, track = 10 }
steady = { served = 0.8, over_s = 4 }
[[step]]
at_s = 4
fault = { kind = 'kill', target = 'payments', for = '1s' }
[[step]]
at_s = 5
fault = { kind = 'latency', target = 'gateway-shipping', attributes = { latency = 10 }, for = '1s' }
";

pub async fn the_same_kill_on_both(stage: &Stage) -> Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let drivers = vec![Driver::Local, Driver::Orchestrated];
    let options = Options { drivers, seed: 3, infra: servers::Options::default() };
    let scenario = Scenario::parse(TEXT)?;
    let (run, files) = scenario::run(stage.guard().await?, folder.path(), &scenario, &options).await?;

    docs::fits(&serde_json::to_value(&run)?, "scenario.schema.json")?;
    ensure!(Path::new(&files).join("report.html").is_file(), "there is no report");
    let [monolith, split] = &run.shops[..] else { anyhow::bail!("{} shops", run.shops.len()) };
    for shop in [monolith, split] {
        ensure!(shop.orders.lost + shop.orders.doubled == 0, "{}: {:?}", shop.driver, shop.orders);
        ensure!(shop.orders.accepted == shop.orders.wanted, "{}: {:?}", shop.driver, shop.orders);
        ensure!(shop.steady.before && shop.steady.after, "{}: {:?}", shop.driver, shop.steady);
        // Nobody asks the gateway for shipments, so the second fault of the split shop meets nothing, and I9 says so.
        let other = shop.audit.iter().filter(|audit| audit.invariant != "I9");
        let verdict = Verdict::of_all(other.map(|audit| audit.verdict));
        ensure!(verdict == Verdict::Held, "{}: {:?}", shop.driver, shop.audit);
    }
    ensure!(monolith.restarts.keys().eq(["monolith"]) && split.restarts.keys().eq(["payments"]));
    for capability in [Capability::Browse, Capability::Pay] {
        ensure!(
            failed(monolith, capability)? > 0,
            "{}: the monolith was killed, and nobody noticed",
            capability.name()
        );
    }
    ensure!(failed(split, Capability::Order)? == 0, "an order can be placed without payments");
    ensure!(failed(split, Capability::Browse)? == 0, "a product can be looked at without payments");
    ensure!(failed(split, Capability::Pay)? > 0, "payments was killed, and nobody noticed");
    ensure!(monolith.without_counterpart.len() == 1, "{:?}", monolith.without_counterpart);
    let hits: Vec<u64> = split.faults.iter().map(|fault| fault.hits).collect();
    ensure!(hits == [1, 0], "{hits:?}: a fault that hit nothing has to be reported so");
    Ok(None)
}

fn failed(shop: &Outcome, capability: Capability) -> Result<u64> {
    let first = shop.blast_radius.get(&capability).and_then(|impacts| impacts.first());
    Ok(first.with_context(|| format!("{}: no impact on {}", shop.driver, capability.name()))?.failed)
}
