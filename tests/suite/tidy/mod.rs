//! Rules that the compiler cannot check.
//!
//! Each is a function from text to complaints, so that [`every_rule_sees_its_violation`] can test it with a
//! bad example.

mod wording;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::docs::checkout;

/// The modules that must have the same shape.
const MODULES: [&str; 5] = ["catalog", "inventory", "orders", "payments", "shipping"];

/// The files of every module.
const FILES: [&str; 12] = [
    "Cargo.toml",
    "README.md",
    "src/domain.rs",
    "src/handlers.rs",
    "src/http.rs",
    "src/lib.rs",
    "src/memory.rs",
    "src/ports.rs",
    "src/postgres.rs",
    "src/reactions.rs",
    "src/schema.rs",
    "tests/properties.rs",
];

/// The files that may contain SQL or table definitions.
const SQL_STANDS_IN: [&str; 4] = [".sql", "src/postgres.rs", "src/schema.rs", "src/flawed.rs"];

/// Optional files of a module: what the flaws do instead, and business metrics.
const BESIDES: [&str; 2] = ["src/flawed.rs", "src/metrics.rs"];

/// Files of the suite that run cases but contain none.
const RUNNERS: [&str; 3] = ["main.rs", "running.rs", "times.rs"];

pub fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// All files below a folder, without build output and hidden folders.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            found.extend(files(&path)?);
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

pub fn without_complaints(complaints: Vec<String>) -> Result<()> {
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    Ok(())
}

pub fn modules_keep_their_shape() -> Result<()> {
    let mut complaints = Vec::new();
    for module in MODULES {
        let folder = checkout().join("modules").join(module);
        let found: Vec<String> = files(&folder)?
            .iter()
            .filter_map(|path| Some(path.strip_prefix(&folder).ok()?.to_string_lossy().into_owned()))
            .collect();
        complaints.extend(misshapen(module, &found));
    }
    without_complaints(complaints)
}

fn misshapen(module: &str, found: &[String]) -> Vec<String> {
    let (migrations, found): (Vec<&str>, Vec<&str>) =
        found.iter().map(String::as_str).partition(|file| file.starts_with("migrations/"));
    let missing =
        FILES.iter().filter(|file| !found.contains(file)).map(|file| format!("{module} has no {file}"));
    let extra = found
        .iter()
        .filter(|file| !FILES.contains(file) && !BESIDES.contains(file))
        .map(|file| format!("{module} has {file}, which the other modules do not have"));
    let tables = migrations.is_empty().then(|| format!("{module} has no migrations"));
    missing.chain(extra).chain(tables).collect()
}

pub fn modules_keep_the_world_out() -> Result<()> {
    let mut complaints = Vec::new();
    for path in files(&checkout().join("modules"))? {
        if path.extension().is_some_and(|extension| extension == "rs" || extension == "toml") {
            complaints.extend(intruders(&path.display().to_string(), &read(&path)?));
        }
    }
    without_complaints(complaints)
}

/// What a file of a module must not mention, except in comments, which may explain why.
fn intruders(path: &str, text: &str) -> Vec<String> {
    let pure = ["domain.rs", "handlers.rs", "ports.rs", "memory.rs"].iter().any(|name| path.ends_with(name));
    let banned: &[&str] = if pure {
        &["lapin", "transaction(", "diesel", "actix"]
    } else {
        &["lapin", ".transaction(", "platform::transaction"]
    };
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, code(line)));
    lines
        .flat_map(|(n, line)| {
            let found = banned.iter().filter(move |word| line.contains(**word));
            found.map(move |word| format!("{path}:{n} mentions {word}"))
        })
        .collect()
}

pub fn sql_names_only_its_own_schema() -> Result<()> {
    let mut complaints = Vec::new();
    for module in MODULES {
        for path in files(&checkout().join("modules").join(module))? {
            let name = path.display().to_string();
            if SQL_STANDS_IN.iter().any(|end| name.ends_with(end)) {
                complaints.extend(foreign_tables(module, &name, &read(&path)?));
            }
        }
    }
    without_complaints(complaints)
}

/// Tables of other modules: words of the form `schema.table` outside Rust paths and comments.
fn foreign_tables(module: &str, path: &str, text: &str) -> Vec<String> {
    let mut complaints = Vec::new();
    for (n, line) in text.lines().enumerate() {
        let line = line.split("//").next().unwrap_or_default().split("--").next().unwrap_or_default();
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'));
        for word in words {
            let Some((schema, table)) = word.split_once('.') else { continue };
            let schemas = MODULES.iter().chain(&["chassis", "checkout", "platform", "public"]);
            let is_table = table.starts_with(|c: char| c.is_ascii_lowercase());
            if is_table && schema != module && schemas.clone().any(|known| *known == schema) {
                complaints.push(format!("{path}:{} names {word}, which is not {module}'s", n + 1));
            }
        }
    }
    complaints
}

pub fn queries_name_their_columns() -> Result<()> {
    let mut complaints = Vec::new();
    for path in files(&checkout())?.iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        complaints.extend(all_columns(&path.display().to_string(), &read(path)?));
    }
    without_complaints(complaints)
}

/// Queries for all columns of a table: a column that a migration adds would change what they return. A star may stand
/// on the line after its verb.
fn all_columns(path: &str, text: &str) -> Vec<String> {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let lines: Vec<String> = text.lines().map(code).collect();
    let words =
        lines.iter().enumerate().flat_map(|(n, line)| line.split_whitespace().map(move |word| (n + 1, word)));
    let (verbs, next) = (words.clone(), words.skip(1));
    let stars = verbs.zip(next).filter(|((_, verb), (_, columns))| {
        let verb = verb.trim_matches(|c: char| !c.is_ascii_alphabetic()).to_ascii_uppercase();
        let columns = columns.trim_end_matches(|c: char| c != '*' && !c.is_ascii_alphanumeric());
        ["SELECT", "DISTINCT", "RETURNING"].contains(&verb.as_str())
            && (columns == "*" || columns.ends_with(".*"))
    });
    stars.map(|((n, verb), _)| format!("{path}:{n}: name the columns after {verb}")).collect()
}

/// `println!` and its relatives panic if the reader of the output is gone or the disk is full.
/// `terminal::say!` and `note!` do not.
pub fn programs_say_nothing_by_macros_that_panic() -> Result<()> {
    let mut complaints = Vec::new();
    for path in files(&checkout().join("workbench"))? {
        let name = path.display().to_string();
        if name.ends_with(".rs") && name.contains("/src/") && !name.ends_with("/tests.rs") {
            complaints.extend(panicking_words(&name, &read(&path)?));
        }
    }
    without_complaints(complaints)
}

fn panicking_words(path: &str, text: &str) -> Vec<String> {
    let code = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    let lines = text.lines().enumerate().map(|(n, line)| (n + 1, code(line)));
    lines
        .filter(|(_, line)| ["println!", "print!(", "eprint!("].iter().any(|word| line.contains(word)))
        .map(|(n, line)| format!("{path}:{n}: {}; use terminal::say! or note!", line.trim()))
        .collect()
}

pub fn migrations_have_versions_of_their_own() -> Result<()> {
    let folders = files(&checkout())?.into_iter().filter(|path| path.ends_with("up.sql"));
    let names: Vec<String> =
        folders.filter_map(|path| Some(path.parent()?.file_name()?.to_string_lossy().into_owned())).collect();
    ensure!(names.len() >= MODULES.len(), "only {} migrations were found", names.len());
    without_complaints(shared_versions(&names))
}

/// diesel identifies migrations only by version, and the monolith has all modules in one database.
fn shared_versions(names: &[String]) -> Vec<String> {
    let mut by_version: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for name in names {
        let version = name.split('_').next().unwrap_or_default().replace('-', "");
        by_version.entry(version).or_default().push(name);
    }
    let shared = by_version.into_iter().filter(|(_, names)| names.len() > 1);
    shared
        .map(|(version, names)| {
            format!("{version} is the version of several migrations: {}", names.join(" and "))
        })
        .collect()
}

pub fn translations_have_the_same_headings() -> Result<()> {
    let mut complaints = Vec::new();
    let mut pairs = 0;
    for korean in files(&checkout())? {
        let Some(english) = korean.to_str().and_then(|path| path.strip_suffix(".ko.md")) else { continue };
        let (english_text, korean_text) = (read(Path::new(&format!("{english}.md")))?, read(&korean)?);
        complaints.extend(different_headings(english, &english_text, &korean_text));
        pairs += 1;
    }
    for must in ["README.ko.md", "docs/glossary.ko.md"] {
        ensure!(checkout().join(must).is_file(), "there is no {must}");
    }
    ensure!(pairs >= 2, "only {pairs} translations were found");
    without_complaints(complaints)
}

fn different_headings(name: &str, english: &str, korean: &str) -> Vec<String> {
    let (english, korean) = (levels(english), levels(korean));
    let differ = english != korean;
    differ
        .then(|| format!("{name}: the headings have the levels {english:?}, but in Korean {korean:?}"))
        .into_iter()
        .collect()
}

/// The levels of a text's headings, in order. Lines inside fences do not count.
fn levels(text: &str) -> Vec<usize> {
    let mut in_code = false;
    let mut levels = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        let level = line.chars().take_while(|c| *c == '#').count();
        if !in_code && level > 0 && line[level..].starts_with(' ') {
            levels.push(level);
        }
    }
    levels
}

pub fn glossaries_list_the_same_words() -> Result<()> {
    let glossary = |name: &str| read(&checkout().join("docs").join(name));
    let (english, korean) = (glossary("glossary.md")?, glossary("glossary.ko.md")?);
    ensure!(entries(&english).len() > 5, "the glossary has too few topics");
    without_complaints(different_entries(&english, &korean))
}

/// Topics in which the glossaries do not have the same number of words.
fn different_entries(english: &str, korean: &str) -> Vec<String> {
    let pairs = entries(english).into_iter().zip(entries(korean));
    let different = pairs.filter(|((_, one), (_, other))| one != other);
    different
        .map(|((topic, one), (other_topic, other))| format!("{topic}: {one} words; {other_topic}: {other}"))
        .collect()
}

/// The topics of a glossary, each with its number of words. A word is a paragraph that starts in bold.
fn entries(glossary: &str) -> Vec<(&str, usize)> {
    let topics = glossary.split("\n## ").skip(1);
    topics
        .map(|topic| {
            let words = topic.lines().filter(|line| line.starts_with("**")).count();
            (topic.lines().next().unwrap_or_default(), words)
        })
        .collect()
}

pub fn words_are_those_that_readers_know() -> Result<()> {
    let mut complaints = Vec::new();
    for path in files(&checkout())? {
        let name = path.strip_prefix(checkout())?.display().to_string();
        // These files name the words in order to find them.
        if name.ends_with("tidy/mod.rs") || name.ends_with("wording.rs") {
            continue;
        }
        if name.ends_with(".ko.md") || name.ends_with(".ko.svg") {
            complaints.extend(wording::korean(&name, &read(&path)?));
        } else if name.ends_with(".md") {
            complaints.extend(wording::english(&name, &read(&path)?));
        } else if name.ends_with(".rs") {
            let text = read(&path)?;
            complaints.extend(wording::english(&name, &text));
            if name.starts_with("workbench/") {
                complaints.extend(wording::korean(&name, &text));
            }
        }
    }
    without_complaints(complaints)
}

pub fn the_readme_names_every_suite() -> Result<()> {
    let suite = checkout().join("tests/suite");
    let mut names = Vec::new();
    for file in files(&suite)? {
        let name = file.strip_prefix(&suite)?.to_string_lossy().into_owned();
        // Other files in folders belong to the folder's `mod.rs`.
        let name = name.strip_suffix("mod.rs").map(str::to_owned).unwrap_or(name);
        let is_suite = name.ends_with('/') || name.ends_with(".rs") && !name.contains('/');
        if is_suite && !RUNNERS.contains(&name.as_str()) {
            names.push(name);
        }
    }
    ensure!(names.len() > 20, "only {} suites were found", names.len());
    without_complaints(unnamed(&read(&checkout().join("tests/README.md"))?, &names))
}

/// Suites without a line in the table, and lines without a suite.
fn unnamed(readme: &str, names: &[String]) -> Vec<String> {
    let lines = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let told: Vec<&str> = lines.map(|(name, _)| name).collect();
    let missing = names.iter().filter(|name| !told.contains(&name.as_str()));
    let missing = missing.map(|name| format!("tests/README.md has no line for suite/{name}"));
    let gone = told.iter().filter(|name| !names.iter().any(|known| known == *name));
    missing
        .chain(gone.map(|name| format!("tests/README.md names suite/{name}, which is not there")))
        .collect()
}

pub fn every_rule_sees_its_violation() -> Result<()> {
    let shape: Vec<String> =
        FILES.iter().map(|file| (*file).to_owned()).chain(["migrations/1/up.sql".into()]).collect();
    let mut misshaped = shape.clone();
    misshaped[1] = "src/helpers.rs".into();
    let seen = [
        (misshapen("x", &shape), 0),
        (misshapen("x", &misshaped), 2),
        (misshapen("x", &shape[..FILES.len()]), 1),
        (intruders("m/src/http.rs", "use diesel;\nuse actix_web; // no lapin here"), 0),
        (intruders("m/src/domain.rs", "use diesel;\nuse actix_web;"), 2),
        (intruders("m/src/http.rs", "use lapin;\nconn.transaction(x)"), 2),
        (foreign_tables("orders", "p", "SELECT orders.orders.total -- not payments.payments"), 0),
        (foreign_tables("orders", "p", "JOIN payments.wallets USING (x), checkout.sagas"), 2),
        (all_columns("p", "// SELECT *\n\"SELECT count(*), a.b * 2\" RETURNING id, 2 * 3"), 0),
        (all_columns("p", &format!("\"SELECT {0} FROM x\" (select o.{0} FROM o) RETURNING\n {0}\"", "*")), 3),
        (panicking_words("p", "// println! panics\nterminal::say!(\"x\");\nterminal::say_part!(\"x\")"), 0),
        (panicking_words("p", "println!(\"x\");\neprintln!();\nprint!(\"{x}\")"), 3),
        (shared_versions(&["2026-01-01-000100_a".into(), "2026-01-01-000200_a".into()]), 0),
        (shared_versions(&["2026-01-01-000100_a".into(), "2026-01-01-000100_b".into()]), 1),
        (different_headings("x", "# A\n```\n# no\n```\n## B", "# 가\n## 나"), 0),
        (different_headings("x", "# A\n## B", "# 가\n### 나"), 1),
        (different_entries("# A\n\n## B\n\n**C.** D", "# 가\n\n## 나\n\n**다.** 라"), 0),
        (different_entries("# A\n\n## B\n\n**C.** D", "# 가\n\n## 나"), 1),
        (wording::korean("a.ko.md", "마이크로서비스(분리 모드)의 보상\n트랜잭션"), 0),
        (wording::korean("a.ko.md", "분리 모드의 보상은 게이트웨이가"), 3),
        (wording::english("a.rs", "let nobody = 1; // is `nobody`"), 0),
        (wording::english("a.rs", "f(); // Nobody reads it,\n// whatever it is"), 2),
        (unnamed("| `a.rs` | it |", &["a.rs".into()]), 0),
        (unnamed("| `a.rs` | it |\nor `b.rs`", &["b.rs".into()]), 2),
    ];
    for (n, (complaints, expected)) in seen.iter().enumerate() {
        ensure!(complaints.len() == *expected, "example {n}: {complaints:?}");
    }
    Ok(())
}
