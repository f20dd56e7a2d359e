//! Writes figures to a file or to standard output, and finds the folder for runs and state (`.cleave`).

use std::fmt::Display;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::words;

/// The default folder for runs and state: `.cleave` in the checkout, independent of the current folder, so that
/// `cleave down` finds the state of `cleave up`. If the checkout no longer exists, `.cleave` in the current folder.
pub fn default_folder() -> Result<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).filter(|folder| folder.is_dir());
    let root = match checkout {
        Some(folder) => folder.to_owned(),
        None => std::env::current_dir().with_context(words::no_current_folder)?,
    };
    Ok(root.join(".cleave"))
}

/// Prints the table, and writes the JSON to `target` if one is given. If the JSON goes to standard output, the table
/// goes to standard error.
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
    std::fs::write(target, text + "\n").with_context(|| words::cannot_write(target))
}
