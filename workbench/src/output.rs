//! Where what the program says goes: figures to a file or to standard output, and its own state to `.cleave`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The folder for runs and state, unless the user names one: `.cleave` in the checkout, wherever the program was
/// started, so that `cleave down` finds what `cleave up` has left. In the current folder if the checkout is gone.
pub fn default_folder() -> Result<PathBuf> {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().filter(|folder| folder.is_dir());
    let root = match checkout {
        Some(folder) => folder.to_owned(),
        None => std::env::current_dir().context("the current folder is gone")?,
    };
    Ok(root.join(".cleave"))
}

/// Writes JSON to a file, or to standard output for `-`.
pub fn json(target: &str, value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    if target == "-" {
        println!("{text}");
        return Ok(());
    }
    std::fs::write(target, text + "\n").with_context(|| format!("cannot write {target}"))
}
