//! Where what the program says goes: figures to a file or to standard output, and its own state to `.cleave`.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

/// The folder for runs and state, unless the user names one: `.cleave` in the checkout, wherever the program was
/// started, so that `cleave down` finds what `cleave up` has left. In the current folder if the checkout is gone.
pub fn default_folder() -> Result<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).filter(|folder| folder.is_dir());
    let root = match checkout {
        Some(folder) => folder.to_owned(),
        None => std::env::current_dir().context("the current folder is gone")?,
    };
    Ok(root.join(".cleave"))
}

/// Shows figures to people, and writes them for programs where they are asked for. Standard output is for one of the two:
/// who has the JSON there reads the table on standard error.
pub fn figures(target: Option<&str>, table: impl Display, value: &impl Serialize) -> Result<()> {
    match target {
        Some("-") => crate::note!("{table}"),
        _ => crate::say!("{table}"),
    }
    target.map_or(Ok(()), |target| json(target, value))
}

/// Writes JSON to a file, or to standard output for `-`.
pub fn json(target: &str, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    if target == "-" {
        crate::say!("{text}");
        return Ok(());
    }
    std::fs::write(target, text + "\n").with_context(|| format!("cannot write {target}"))
}
