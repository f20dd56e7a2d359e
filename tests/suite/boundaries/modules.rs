//! Which of a crate's top-level modules uses which others. This is read from the text, without the tests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::text::{code_of, without_tests};

/// For each module the modules that it uses, with the place of the first use.
pub type Uses = BTreeMap<String, BTreeMap<String, String>>;

/// The name of a crate's root in its graph.
const ROOT: &str = "lib";

/// A crate: the path of each file below `src/`, such as `audit/mod.rs`, and its text.
pub type Sources = BTreeMap<String, String>;

/// All sources of a crate. Programs in `src/bin` are crates of their own.
pub fn sources(src: &Path) -> Result<Sources> {
    let mut sources = Sources::new();
    let mut folders = vec![src.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))?;
        for entry in entries {
            let path: PathBuf = entry?.path();
            let name = path.strip_prefix(src)?.to_string_lossy().replace('\\', "/");
            if path.is_dir() && name != "bin" {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let text = fs::read_to_string(&path);
                sources.insert(name, text.with_context(|| format!("cannot read {}", path.display()))?);
            }
        }
    }
    Ok(sources)
}

/// The code of each file, without comments, literals and what is compiled only for tests.
pub fn without_test_modules(sources: &Sources) -> BTreeMap<&str, String> {
    let mut tests = BTreeSet::new();
    let mut codes = BTreeMap::new();
    for (file, text) in sources {
        let (code, modules) = without_tests(&code_of(text));
        let (_, folder) = place(file);
        tests.extend(modules.into_iter().map(|module| format!("{folder}{module}")));
        codes.insert(file.as_str(), code);
    }
    let is_test = |file: &str| {
        let of =
            |test: &String| file.strip_prefix(test.as_str()).is_some_and(|rest| rest.starts_with(['.', '/']));
        tests.iter().any(of)
    };
    codes.retain(|file, _| !is_test(file));
    codes
}

/// The dependency graph of a crate's top-level modules. Its root, with the items defined there, is one of them; what
/// the root only re-exports counts as its original module.
pub fn uses(sources: &Sources) -> Uses {
    let codes = without_test_modules(sources);

    let top = |file: &str| place(file).0.first().cloned();
    let mut uses: Uses = codes.keys().filter_map(|file| Some((top(file)?, BTreeMap::new()))).collect();
    let root = ["lib.rs", "main.rs"].into_iter().find_map(|file| Some((file, codes.get(file)?)));
    let mut passed_on = BTreeMap::new();
    if let Some((file, code)) = root {
        passed_on.extend(brought_in(code));
        let used = used_by_root(file, code, &uses, &passed_on);
        let items: Vec<String> = items(code).collect();
        // Many roots only list and re-export their modules.
        if !items.is_empty() {
            uses.insert(ROOT.to_owned(), used);
            passed_on.extend(items.into_iter().map(|item| (item, ROOT.to_owned())));
        }
    }
    for (file, code) in &codes {
        let (path, _) = place(file);
        let Some(from) = path.first() else { continue };
        for (name, line) in named(code, path.len()) {
            let to = if uses.contains_key(&name) { Some(&name) } else { passed_on.get(&name) };
            let Some(to) = to.filter(|to| *to != from && uses.contains_key(*to)) else { continue };
            let of_module = uses.get_mut(from).expect("every file is in a module");
            of_module.entry(to.clone()).or_insert_with(|| format!("{file}:{line}"));
        }
    }
    uses
}

/// The module path of a file, and the folder of its submodules.
fn place(file: &str) -> (Vec<String>, String) {
    let stem = file.strip_suffix(".rs").unwrap_or(file);
    let stem = match stem.strip_suffix("/mod") {
        Some(folder) => folder,
        None if stem == "lib" || stem == "main" => "",
        None => stem,
    };
    let path: Vec<String> = stem.split('/').filter(|part| !part.is_empty()).map(String::from).collect();
    let folder = if stem.is_empty() { String::new() } else { format!("{stem}/") };
    (path, folder)
}

/// The names after `crate::`, or after enough `super::` to reach the root, each with its line.
fn named(code: &str, depth: usize) -> Vec<(String, usize)> {
    let roots = ["crate::".to_owned(), "super::".repeat(depth)];
    let mut found = Vec::new();
    for root in roots {
        for (at, _) in code.match_indices(&root) {
            let before = &code[..at];
            let rest = &code[at + root.len()..];
            let inside = before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
                || before.ends_with("super::")
                || rest.starts_with("super::");
            if !inside {
                let line = before.matches('\n').count() + 1;
                found.extend(trees(rest).into_iter().map(|tree| (first(tree).to_owned(), line)));
            }
        }
    }
    found
}

/// The modules that the code of the root uses, besides passing on what they contain.
fn used_by_root(
    file: &str,
    code: &str,
    modules: &Uses,
    passed_on: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut used = BTreeMap::new();
    for (n, line) in without_uses(code).lines().enumerate() {
        for at in line.char_indices().map(|(at, _)| at) {
            let (before, name) = (&line[..at], first(&line[at..]));
            let is_begin = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
            let in_root =
                !before.ends_with("::") || before.ends_with("crate::") || before.ends_with("self::");
            if name.is_empty() || !is_begin || !in_root {
                continue;
            }
            let is_module = modules.contains_key(name) && line[at + name.len()..].starts_with("::");
            let of = if is_module { Some(name) } else { passed_on.get(name).map(String::as_str) };
            if let Some(of) = of.filter(|of| modules.contains_key(*of)) {
                used.entry(of.to_owned()).or_insert_with(|| format!("{file}:{}", n + 1));
            }
        }
    }
    used
}

/// The code without `use` and `mod`: what it brings in counts where it is used.
fn without_uses(code: &str) -> String {
    let mut kept = String::new();
    let mut inside = false;
    for line in code.lines() {
        let item = after_visibility(line);
        inside |= item.starts_with("use ") || (item.starts_with("mod ") && line.ends_with(';'));
        if !inside {
            kept.push_str(line);
        }
        kept.push('\n');
        inside &= !line.ends_with(';');
    }
    kept
}

/// A line without `pub` or `pub(crate)`.
fn after_visibility(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("pub") else { return line };
    let rest = rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest);
    rest.trim_start()
}

/// The items that the root defines.
fn items(code: &str) -> impl Iterator<Item = String> {
    const KINDS: [&str; 8] = ["struct", "enum", "union", "trait", "fn", "const", "static", "type"];
    code.lines().filter_map(|line| {
        let mut words =
            after_visibility(line).split(' ').skip_while(|word| ["async", "unsafe"].contains(word));
        let kind = words.next().filter(|word| KINDS.contains(word))?;
        let name = words.find(|word| !(kind == "const" && *word == "fn"))?;
        Some(first(name).to_owned())
    })
}

/// What the root brings into scope or re-exports: the name in the root, and the module that it is from.
fn brought_in(code: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("use ") {
        let statement = code[at + 4..].split(';').next().unwrap_or_default();
        for (path, name) in leaves("", statement.trim_start()) {
            found.push((
                name,
                first(path.trim_start_matches("crate::").trim_start_matches("self::")).to_owned(),
            ));
        }
    }
    found
}

/// The paths of a use tree, each with the name that it introduces.
fn leaves(prefix: &str, tree: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for tree in trees(tree) {
        if let Some((path, inner)) = tree.split_once('{') {
            let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
            found.extend(leaves(&format!("{prefix}{}", path.trim()), &format!("{{{inner}}}")));
            continue;
        }
        let (path, name) =
            tree.split_once(" as ").unwrap_or((tree, tree.rsplit("::").next().unwrap_or(tree)));
        let path = format!("{prefix}{}", path.trim());
        let name = if name.trim() == "self" {
            prefix.trim_end_matches("::").rsplit("::").next()
        } else {
            Some(name)
        };
        found.push((path, name.unwrap_or_default().trim().to_owned()));
    }
    found
}

/// The use trees at the start of this text: those inside the braces, or a single path.
fn trees(text: &str) -> Vec<&str> {
    let Some(inner) = text.trim_start().strip_prefix('{') else { return vec![text.trim()] };
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            ',' if depth == 0 => {
                found.push(inner[start..at].trim());
                start = at + 1;
            }
            '}' if depth == 0 => {
                found.push(inner[start..at].trim());
                break;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    found.retain(|tree| !tree.is_empty());
    found
}

/// The first segment of a path.
fn first(path: &str) -> &str {
    path.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default()
}

/// The cycles between modules, as sentences: the shortest one for each group of modules.
pub fn cycles(uses: &Uses) -> Vec<String> {
    let mut circles: Vec<Vec<&str>> = uses.keys().filter_map(|module| shortest(uses, module)).collect();
    circles.sort_by_key(Vec::len);
    let mut seen = BTreeSet::new();
    circles.retain(|circle| {
        let is_new = circle.iter().all(|module| !seen.contains(module));
        seen.extend(circle.iter().copied());
        is_new
    });
    let told = |circle: Vec<&str>| {
        let steps = circle.windows(2).map(|pair| format!(" -> {} ({})", pair[1], uses[pair[0]][pair[1]]));
        format!("{}{}", circle[0], steps.collect::<String>())
    };
    circles.into_iter().map(told).collect()
}

/// The shortest path from a module back to itself.
fn shortest<'a>(uses: &'a Uses, start: &'a str) -> Option<Vec<&'a str>> {
    let (mut ways, mut seen) = (VecDeque::from([vec![start]]), BTreeSet::new());
    while let Some(way) = ways.pop_front() {
        for next in uses.get(*way.last()?)?.keys() {
            let longer = [&way[..], &[next.as_str()]].concat();
            if next == start {
                return Some(longer);
            }
            if seen.insert(next) {
                ways.push_back(longer);
            }
        }
    }
    None
}
