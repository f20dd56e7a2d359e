//! The examples of `cleave … --help` work when pasted.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use tests::Stage;

use crate::guides::Reader;

/// Examples that need no shop, or start their own.
const ALONE: [&str; 14] = [
    "compare",
    "compare --modes monolith,monolith:two-phase --rate 200/s",
    "compare --scenario docs/scenarios/a-slow-dependency.toml",
    "soak --orders 1000 --faults 16",
    "bench limit",
    "bench limit --drivers monolith:local --in-flight 64",
    "crash-matrix --drivers split:tcc --seeds 1",
    "flaws",
    "flaws show no-outbox",
    "doctor",
    "doctor --fix",
    "clean",
    "clean runs --keep 3",
    "clean all",
];

/// Examples that start a shop, and those that then use it, in order.
const WITH_SHOPS: [(&str, &[&str]); 5] = [
    ("up", &["set", "heal", "audit"]),
    (
        "up both --proxies --rate 20/s",
        &[
            "order --last",
            "order --slowest --shop split",
            "logs orders --follow",
            "set gateway.timeout_ms=500",
            "scale inventory=3",
            "deploy payments",
            "audit --live --for 30s",
            "fault add latency --link gateway-inventory --latency 200ms --for 10s",
            "fault add kill_broker --for 5s",
            "fault add kill --process orders",
            "chaos --for 2m --seed 7",
        ],
    ),
    ("up split:tcc", &[]),
    ("dashboard --open", &[]),
    ("dashboard split:tcc --rate 50/s", &[]),
];

/// These need a state of their own: a recording, and a branch in doubt, which is then finished.
const AFTERWARDS: [&str; 3] = ["replay --open", "in-doubt", "in-doubt --resolve"];

pub async fn every_one_works_when_pasted(stage: &Stage) -> Result<Option<String>> {
    let reader = Reader::new(stage).await?;
    all_are_listed(&reader).await?;
    let pasted = |line: &&str| format!("cargo cleave {line}");
    for (up, then) in WITH_SHOPS {
        // Without an order there is nothing to look at.
        let scripts = [pasted(&up), "sleep 5".to_owned()].into_iter().chain(then.iter().map(pasted));
        reader.paste_all(&scripts.collect::<Vec<_>>()).await.with_context(|| up)?;
    }
    let in_doubt = [
        pasted(&"replay --open"),
        "cargo cleave up monolith:two-phase --flaws no-recovery --rate 2/s".to_owned(),
        "cargo cleave fault add crash_point --process monolith --point before-decision --for 5s".to_owned(),
        "sleep 10".to_owned(),
        pasted(&"in-doubt"),
        pasted(&"in-doubt --resolve"),
    ];
    reader.paste_all(&in_doubt).await?;
    for example in ALONE {
        reader.paste(&pasted(&example)).await.with_context(|| example)?;
    }
    Ok(None)
}

/// The examples of all commands are those of the tables above.
async fn all_are_listed(reader: &Reader) -> Result<()> {
    let mut found = BTreeSet::new();
    let mut commands = vec![String::new()];
    while let Some(command) = commands.pop() {
        let help = reader.paste(&format!("cargo cleave{command} --help")).await?;
        commands.extend(below("Commands:", &help).filter_map(|line| {
            let (name, _) = line.strip_prefix("  ")?.split_once(' ')?;
            (!name.is_empty() && name != "help").then(|| format!("{command} {name}"))
        }));
        found.extend(
            below("Examples:", &help)
                .filter_map(|line| line.trim().trim_start_matches("cargo ").strip_prefix("cleave "))
                .map(str::to_owned),
        );
    }
    let with_shops = WITH_SHOPS.into_iter().flat_map(|(up, then)| [&[up], then].concat());
    let listed: BTreeSet<String> =
        ALONE.into_iter().chain(AFTERWARDS).chain(with_shops).map(str::to_owned).collect();
    let differ: Vec<&String> = found.symmetric_difference(&listed).collect();
    ensure!(differ.is_empty(), "these are only in the help, or only here: {differ:?}");
    Ok(())
}

/// The lines of a help text below this heading, up to the next empty line.
fn below<'a>(heading: &'a str, help: &'a str) -> impl Iterator<Item = &'a str> {
    help.lines().skip_while(move |line| *line != heading).skip(1).take_while(|line| !line.is_empty())
}
