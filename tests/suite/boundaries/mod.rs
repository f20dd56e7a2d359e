//! The crates depend on each other exactly as ARCHITECTURE.md allows, and within a crate no modules form a
//! cycle.

mod business;
mod dependencies;
mod modules;
mod panels;
mod picture;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::docs::checkout;
use crate::tidy::without_complaints;

/// The dependencies of each crate within the workspace. The table in ARCHITECTURE.md says what is allowed.
/// This one says what exists, so that a new dependency has to be added here, too.
const TABLE: [(&str, &[&str]); 34] = [
    ("contracts", &[]),
    ("checkout", &["contracts"]),
    ("platform", &["contracts"]),
    ("catalog", &["contracts", "platform"]),
    ("inventory", &["contracts", "platform"]),
    ("orders", &["contracts", "platform"]),
    ("payments", &["contracts", "platform"]),
    ("shipping", &["contracts", "platform"]),
    ("chassis", &["contracts", "platform"]),
    (
        "monolith",
        &[
            "catalog",
            "chassis",
            "checkout",
            "contracts",
            "inventory",
            "orchestrator",
            "orders",
            "payments",
            "platform",
            "shipping",
        ],
    ),
    ("catalog-service", &["catalog", "chassis", "platform"]),
    ("inventory-service", &["chassis", "inventory", "platform"]),
    ("orchestrator", &["chassis", "checkout", "contracts", "orders", "platform"]),
    ("orders-service", &["chassis", "contracts", "orchestrator", "orders", "platform"]),
    ("payments-service", &["chassis", "payments", "platform"]),
    ("shipping-service", &["chassis", "platform", "shipping"]),
    ("gateway", &["contracts", "platform", "registry"]),
    ("registry", &["platform"]),
    ("cleave-containers", &["terminal"]),
    ("terminal", &[]),
    ("topology", &["terminal"]),
    ("servers", &["terminal", "topology"]),
    ("faults", &["servers", "terminal", "topology"]),
    ("shop", &["contracts", "faults", "servers", "terminal", "topology"]),
    ("load", &["contracts", "shop"]),
    ("audit", &["servers", "terminal", "topology"]),
    ("in-doubt", &["servers", "terminal"]),
    ("story", &["contracts", "in-doubt", "servers", "terminal", "topology"]),
    ("report", &["audit", "contracts", "load", "servers", "shop", "story", "terminal", "topology"]),
    ("models", &["servers", "terminal"]),
    ("control", &["faults", "servers", "shop", "terminal", "topology"]),
    (
        "experiments",
        &[
            "audit",
            "contracts",
            "control",
            "faults",
            "load",
            "report",
            "servers",
            "shop",
            "story",
            "terminal",
            "topology",
        ],
    ),
    (
        "dashboard",
        &["audit", "control", "faults", "load", "report", "servers", "shop", "story", "terminal", "topology"],
    ),
    (
        "cleave",
        &[
            "audit",
            "control",
            "dashboard",
            "experiments",
            "faults",
            "in-doubt",
            "load",
            "report",
            "servers",
            "shop",
            "story",
            "terminal",
            "topology",
        ],
    ),
];

type Graph = BTreeMap<String, BTreeSet<String>>;

fn allowed() -> Graph {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    TABLE.iter().map(|(name, others)| ((*name).to_owned(), names(others))).collect()
}

/// The dependencies according to cargo. Development dependencies are left out: tests may use anything.
fn actual() -> Result<Graph> {
    let metadata = MetadataCommand::new().manifest_path(checkout().join("Cargo.toml")).no_deps().exec()?;
    let members: BTreeSet<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    let graph = metadata.packages.iter().map(|package| {
        let ours = package.dependencies.iter().filter(|dependency| {
            dependency.kind != DependencyKind::Development && members.contains(dependency.name.as_str())
        });
        (package.name.to_string(), ours.map(|dependency| dependency.name.clone()).collect())
    });
    // The suites may depend on anything.
    Ok(graph.filter(|(name, _)| name != "tests").collect())
}

/// The differences, one sentence each.
fn differences(actual: &Graph, allowed: &Graph) -> Vec<String> {
    let none = BTreeSet::new();
    let mut differences = Vec::new();
    for name in actual.keys().chain(allowed.keys()).collect::<BTreeSet<_>>() {
        let (is, may) = (actual.get(name).unwrap_or(&none), allowed.get(name).unwrap_or(&none));
        if !allowed.contains_key(name) {
            differences.push(format!("{name} is not in the table"));
        }
        differences.extend(is.difference(may).map(|other| format!("{name} must not depend on {other}")));
        differences.extend(may.difference(is).map(|other| format!("{name} no longer depends on {other}")));
    }
    differences
}

pub fn the_crates_depend_as_the_table_says() -> Result<()> {
    let differences = differences(&actual()?, &allowed());
    ensure!(differences.is_empty(), "the table and cargo disagree:\n{}", differences.join("\n"));
    Ok(())
}

/// The pictures in ARCHITECTURE.md show the crates and their modules as they are. With CLEAVE_DRAW=1 they are drawn
/// anew.
pub fn the_picture_shows_the_crates() -> Result<()> {
    let root = checkout();
    let metadata = MetadataCommand::new().manifest_path(root.join("Cargo.toml")).no_deps().exec()?;
    let (mut folders, mut modules) = (BTreeMap::new(), BTreeMap::new());
    for package in &metadata.packages {
        let folder = package.manifest_path.parent().context("a manifest is in a folder")?;
        folders.insert(package.name.to_string(), folder.strip_prefix(&root)?.to_string());
        let uses = modules::uses(&modules::sources(folder.join("src").as_std_path())?);
        let graph: Graph =
            uses.into_iter().map(|(module, used)| (module, used.into_keys().collect())).collect();
        modules.insert(package.name.to_string(), graph);
    }
    let crates = actual()?;
    let pictures = [
        ("docs/images/crates.svg", picture::svg(&crates, &folders)),
        ("docs/images/modules.svg", panels::svg(&crates, &modules)),
    ];
    for (name, drawn) in pictures {
        if std::env::var_os("CLEAVE_DRAW").is_some() {
            std::fs::write(root.join(name), &drawn)?;
        }
        let shown = std::fs::read_to_string(root.join(name)).context(name)?;
        ensure!(shown == drawn, "{name} is out of date: run this case with CLEAVE_DRAW=1");
    }
    Ok(())
}

pub fn a_dependency_too_many_or_too_few_is_seen() -> Result<()> {
    let mut graph = allowed();
    graph.get_mut("inventory").context("inventory is a crate")?.insert("payments".into());
    graph.get_mut("chassis").context("chassis is a crate")?.remove("platform");
    graph.insert("helpers".into(), BTreeSet::new());
    let expected = [
        "chassis no longer depends on platform",
        "helpers is not in the table",
        "inventory must not depend on payments",
    ];
    let found = differences(&graph, &allowed());
    ensure!(found == expected, "{found:?}");
    Ok(())
}

/// Each of them is built by everyone who builds the crate.
pub fn every_dependency_is_used() -> Result<()> {
    let metadata = MetadataCommand::new().manifest_path(checkout().join("Cargo.toml")).no_deps().exec()?;
    let mut complaints = Vec::new();
    for package in &metadata.packages {
        complaints.extend(dependencies::unused(package)?);
    }
    without_complaints(complaints)
}

pub fn every_spelling_of_a_use_is_seen() -> Result<()> {
    dependencies::names_are_found()
}

/// In a cycle, none of the modules can be understood, tested or moved without all the others.
pub fn modules_form_no_cycle() -> Result<()> {
    let metadata = MetadataCommand::new().manifest_path(checkout().join("Cargo.toml")).no_deps().exec()?;
    let mut cycles = Vec::new();
    for package in &metadata.packages {
        let src = package.manifest_path.parent().context("a manifest is in a folder")?.join("src");
        if src.is_dir() {
            let found = modules::cycles(&modules::uses(&modules::sources(src.as_std_path())?));
            cycles.extend(found.into_iter().map(|cycle| format!("{}: {cycle}", package.name)));
        }
    }
    ensure!(cycles.is_empty(), "modules form a cycle:\n{}", cycles.join("\n"));
    Ok(())
}

pub fn a_cycle_of_modules_is_seen() -> Result<()> {
    let sound = [
        (
            "lib.rs",
            "mod a;\nmod b;\nmod c;\npub use b::inner::{Bee, self as insides};\npub use {c::{Sea as See}};\n\
             pub struct Own(b::X);\npub(crate) const fn make() -> Bee {}",
        ),
        ("a.rs", "use crate::{Bee, b::{X, Y}};\nfn f() { crate::c::g('\"') }"),
        ("b/mod.rs", "mod inner;\n#[cfg(test)]\nmod checks;\n// crate::a\nconst S: &str = r#\"crate::a\"#;"),
        ("b/inner.rs", "use super::X;\n#[cfg(test)]\nmod tests { use crate::a; }\nuse super::super::c;"),
        ("b/checks.rs", "use crate::a::f;"),
        ("c.rs", "/* crate::a */ use std::fmt; fn g<'a>(c: &'a char) {}"),
    ];
    // Each replaces a file; the string after it is the cycle that must be found then.
    let planted = [
        ("c.rs", "use std::fmt;\nuse crate::{c::Sea, a::{f, g}};", "a -> c (a.rs:2) -> a (c.rs:2)"),
        ("c.rs", "use crate::Bee;", "b -> c (b/inner.rs:4) -> b (c.rs:1)"),
        ("c.rs", "use crate::insides::Z;", "b -> c (b/inner.rs:4) -> b (c.rs:1)"),
        ("c.rs", "fn g() { super::a::f() }", "a -> c (a.rs:2) -> a (c.rs:1)"),
        ("c.rs", "fn g(of: super::Own) {}", "b -> c (b/inner.rs:4) -> lib (c.rs:1) -> b (lib.rs:6)"),
        ("b/inner.rs", "use crate::make;", "b -> lib (b/inner.rs:1) -> b (lib.rs:6)"),
        ("b/inner.rs", "fn g() { super::super::a::f() }", "a -> b (a.rs:1) -> a (b/inner.rs:1)"),
    ];
    let sound: modules::Sources =
        sound.into_iter().map(|(file, text)| (file.to_owned(), text.to_owned())).collect();
    let found = modules::cycles(&modules::uses(&sound));
    ensure!(found.is_empty(), "{found:?}");
    for (file, text, expected) in planted {
        let mut sources = sound.clone();
        sources.insert(file.to_owned(), text.to_owned());
        let found = modules::cycles(&modules::uses(&sources));
        ensure!(found == [expected], "{text:?}: {found:?}");
    }
    Ok(())
}

/// ARCHITECTURE.md promises it of platform: what it contains serves any shop.
pub fn the_foundation_has_no_business() -> Result<()> {
    let mut sources = modules::sources(checkout().join("modules/platform/src").as_ref())?;
    // It lists the rules of all modules that can be left out, by name.
    sources.remove("flaw.rs").context("the flaws are listed in one file")?;
    let found = business::business_in(&sources);
    ensure!(found.is_empty(), "platform has words of the shop:\n{}", found.join("\n"));
    Ok(())
}

pub fn a_word_of_the_shop_is_seen() -> Result<()> {
    let text = "use contracts::OrderId; // a price\nfn note(order: OrderId) { say(\"stock\", Ordering::Relaxed) }\n\
                struct Page { first: Sku, max_price: i64 }\nfn find_all(of: &OrderLines, orders: u8) {}\n\
                #[cfg(test)]\nmod tests { use contracts::CustomerId; }\n";
    let found = business::business_in(&[("page.rs".to_owned(), text.to_owned())].into());
    let expected = ["page.rs:3 names Sku", "page.rs:3 names max_price", "page.rs:4 names orders"];
    ensure!(found == expected, "{found:?}");
    Ok(())
}
