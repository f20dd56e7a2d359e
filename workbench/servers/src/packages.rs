//! Records the packages that Cleave installs. Only these may be removed again.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use sysinfo::{ProcessesToUpdate, System};
use terminal::output::default_folder;

use crate::words;

/// A package that was not there before Cleave installed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    /// The package manager.
    pub manager: String,
    /// The package's name.
    pub name: String,
}

fn file() -> Result<PathBuf> {
    Ok(default_folder()?.join("installed.json"))
}

/// All recorded packages.
pub fn installed() -> Result<Vec<Package>> {
    let path = file()?;
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).with_context(|| words::cannot_look_at(path.display())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error).with_context(|| words::cannot_look_at(path.display())),
    }
}

/// Records packages that are installed now and were not before.
pub(crate) fn record(new: Vec<Package>) -> Result<()> {
    let mut all = installed()?;
    all.extend(new.into_iter().filter(|package| !all.contains(package)).collect::<Vec<_>>());
    write(&all)
}

/// Deletes the records of packages that are no longer installed.
pub(crate) fn forget(gone: &[Package]) -> Result<()> {
    let mut all = installed()?;
    all.retain(|package| !gone.contains(package));
    write(&all)
}

fn write(all: &[Package]) -> Result<()> {
    let path = file()?;
    let written = path.parent().map_or(Ok(()), fs::create_dir_all);
    written
        .and_then(|()| fs::write(&path, serde_json::to_vec_pretty(all)?))
        .with_context(|| words::cannot_write(path.display()))
}

/// Whether a package is installed; `query` is the package manager's command for that.
pub(crate) fn is_installed(query: &str, name: &str) -> bool {
    let mut words = query.split(' ');
    let output = words.next().map(|program| Command::new(program).args(words).arg(name).output());
    output.and_then(Result::ok).is_some_and(|output| output.status.success())
}

/// Whether any server that could come from these packages is running on this machine.
pub fn are_in_use() -> bool {
    let Ok(mut system) = System::new() else { return true };
    system.refresh_processes(ProcessesToUpdate::All, true);
    system.processes().values().any(|process| {
        let name = process.name().to_string_lossy();
        name == "postgres" || name == "epmd" || name.starts_with("beam")
    })
}
