//! Whether a crate's sources use what its Cargo.toml lists.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, Package};

use super::modules::{sources, without_test_modules};
use super::text::code_of;
use crate::tidy::{files, read};

/// The words that begin a path or follow `use` or `extern crate`: crates and modules.
fn named_in(code: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut named = BTreeSet::new();
    let mut rest = code;
    while let Some(at) = rest.find(is_word) {
        let before = code[..code.len() - rest.len() + at].trim_end();
        let word_on = &rest[at..];
        let end = word_on.find(|c| !is_word(c)).unwrap_or(word_on.len());
        let (word, after) = word_on.split_at(end);
        let is_first = before.strip_suffix("::").is_none_or(|before| !before.ends_with(is_word));
        let is_brought_in = before.ends_with("use") || before.ends_with("extern crate");
        if is_first && (is_brought_in || after.trim_start().starts_with("::")) {
            named.insert(word.to_owned());
        }
        rest = after;
    }
    named
}

/// The dependencies of a crate that its sources do not name, one sentence each. What only tests name has to be a
/// development dependency.
pub fn unused(package: &Package) -> Result<Vec<String>> {
    let folder = package.manifest_path.parent().context("a manifest is in a folder")?;
    let mut anywhere = BTreeSet::new();
    for path in files(folder.as_std_path())? {
        if path.extension().is_some_and(|end| end == "rs") {
            anywhere.extend(named_in(&code_of(&read(&path)?)));
        }
    }
    // The crate of the suites is nothing but tests.
    let own = if *package.name == "tests" {
        anywhere.clone()
    } else {
        let sources = sources(folder.join("src").as_std_path())?;
        without_test_modules(&sources).values().flat_map(|code| named_in(code)).collect()
    };
    let mut complaints = Vec::new();
    for dependency in &package.dependencies {
        let name = dependency.rename.as_ref().unwrap_or(&dependency.name).replace('-', "_");
        let used = if dependency.kind == DependencyKind::Normal { &own } else { &anywhere };
        if !used.contains(&name) {
            complaints.push(format!("{} does not use {}", package.name, dependency.name));
        }
    }
    Ok(complaints)
}

pub fn names_are_found() -> Result<()> {
    let source = "use a_b::c; use d as e; extern crate f; #[derive(g::H)] #[i::main] fn x() { ::j::y(crate::k::z) }\n\
                  // l::m\nconst S: &str = \"n::o\"; fn p(q: r) { s . t() } use {u::V, w :: X};";
    let found = named_in(&code_of(source));
    let expected = ["a_b", "crate", "d", "f", "g", "i", "j", "u", "w"];
    ensure!(found.iter().eq(expected.iter()), "{found:?}");
    Ok(())
}
