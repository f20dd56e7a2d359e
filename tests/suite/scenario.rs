//! One scenario on both architectures: the same kill affects a part of the split shop, and the whole
//! monolith.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use tests::{Driver, Stage};

use audit::Verdict;
use experiments::scenario::{self, Scenario, ScenarioOptions, ScenarioOutcome};
use topology::Capability;

use crate::docs;

/// A killed process is away for at least 0.1 s (the supervisor's first back-off), and mostly for 0.3 s. The
/// load has to be dense enough to notice: at 60 requests per second, about six fall into the shorter time. The steady
/// state asks for little, because an overloaded machine serves few of them in time.
const TEXT: &str = "
name = 'A service dies'
about = 'The payments service is killed once.'
length_s = 20
load = { browse = 60, order = 8, pay = 60, track = 10 }
steady = { served = 0.1, over_s = 4 }
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
    let options = ScenarioOptions { drivers, seed: 3, infra: servers::ServerOptions::default() };
    let scenario = Scenario::parse(TEXT)?;
    let (run, files) = scenario::run(stage.guard().await?, folder.path(), &scenario, &options).await?;

    docs::fits(&serde_json::to_value(&run)?, "scenario.schema.json")?;
    ensure!(Path::new(&files).join("report.html").is_file(), "there is no report");
    let [monolith, split] = &run.shops[..] else { anyhow::bail!("{} shops", run.shops.len()) };
    for shop in [monolith, split] {
        ensure!(shop.orders.lost + shop.orders.doubled == 0, "{}: {:?}", shop.driver, shop.orders);
        ensure!(shop.orders.accepted == shop.orders.wanted, "{}: {:?}", shop.driver, shop.orders);
        ensure!(shop.steady.before && shop.steady.after, "{}: {:?}", shop.driver, shop.steady);
        // No request reaches shipping through the gateway, so the second fault of the split shop affects
        // nothing. I9 reports that.
        let other = shop.audit.iter().filter(|audit| audit.invariant != "I9");
        let verdict = Verdict::of_all(other.map(|audit| audit.verdict));
        ensure!(verdict == Verdict::Held, "{}: {:?}", shop.driver, shop.audit);
    }
    ensure!(monolith.restarts.keys().eq(["monolith"]) && split.restarts.keys().eq(["payments"]));
    for capability in [Capability::Browse, Capability::Pay] {
        ensure!(
            failed(monolith, capability)? > 0,
            "{}: the monolith was killed, but no request failed",
            capability.name()
        );
    }
    ensure!(
        failed(split, Capability::Order)? == 0,
        "an order failed, although payments is not needed to place it"
    );
    ensure!(
        failed(split, Capability::Browse)? == 0,
        "a product page failed, although payments is not needed for it"
    );
    ensure!(failed(split, Capability::Pay)? > 0, "payments was killed, but no payment failed");
    ensure!(monolith.without_counterpart.len() == 1, "{:?}", monolith.without_counterpart);
    let hits: Vec<u64> = split.faults.iter().map(|fault| fault.hits).collect();
    ensure!(hits == [1, 0], "{hits:?}: a fault that affected nothing must be reported as such");
    Ok(None)
}

fn failed(shop: &ScenarioOutcome, capability: Capability) -> Result<u64> {
    let first = shop.blast_radius.get(&capability).and_then(|impacts| impacts.first());
    Ok(first.with_context(|| format!("{}: no impact on {}", shop.driver, capability.name()))?.failed)
}

/// No order needs the gateway's link to the catalog, and each needs the payments.
const NEEDLESS: &str = "
name = 'A link that no order needs'
about = 'First no product page can be read. Later the payments stand still.'
length_s = 24
load = { browse = 10, order = 4 }
steady = { served = 0.8, over_s = 4 }
[[step]]
at_s = 4
fault = { kind = 'down', target = 'gateway-catalog', for = '6s' }
";
const NEEDED: &str = "
[[step]]
at_s = 12
fault = { kind = 'pause', target = 'payments', for = '6s' }
";

/// Orders accepted and orders decided are different figures in a split shop, and the report has both.
pub async fn an_order_does_not_wait_for_what_it_does_not_need(stage: &Stage) -> Result<Option<String>> {
    for (text, waits) in [(NEEDLESS.to_owned(), false), (format!("{NEEDLESS}{NEEDED}"), true)] {
        let folder = tempfile::tempdir()?;
        let drivers = vec![Driver::Orchestrated];
        let options = ScenarioOptions { drivers, seed: 3, infra: servers::ServerOptions::default() };
        let scenario = Scenario::parse(&text)?;
        let (run, files) = scenario::run(stage.guard().await?, folder.path(), &scenario, &options).await?;
        let orders = &run.shops[0].orders;
        ensure!(orders.accepted == orders.wanted && orders.decided == orders.wanted, "{orders:?}");
        ensure!(orders.decided_within_2_s + orders.delayed == orders.decided, "{orders:?}");
        ensure!((orders.delayed > 0) == waits, "{orders:?}");
        ensure!(orders.decided_within_2_s > 0 && orders.lost + orders.doubled == 0, "{orders:?}");
        let report = std::fs::read_to_string(Path::new(&files).join("report.html"))?;
        let share = format!("{} of {}", orders.decided_within_2_s, orders.wanted);
        ensure!(
            report.contains("Decided within 2 s") && report.contains(&share),
            "{share} is not in the report"
        );
    }
    Ok(None)
}
