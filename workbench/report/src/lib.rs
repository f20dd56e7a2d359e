//! Figures of a run: measured ([`measure`], [`trial`]), recorded ([`run`]), compared ([`stats`]) and shown, as a table
//! in the terminal, as `run.json` for programs and as `report.html` for people.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::Run;

mod charts;
pub mod diff;
mod figures;
mod html;
pub mod ladder;
pub mod measure;
pub mod run;
pub mod stats;
mod table;
mod tax;
pub mod trial;
mod words;

pub use words::reason;

pub use figures::{number, spread_words, verdict_words, warnings};
pub use html::render as html;
pub use table::render as table;
pub use words::language_tag;

/// Writes `run.json` and `report.html` into the folder, and points the link `latest` next to the folder at it.
///
/// Each file appears complete or not at all: neither a reader nor a second run at the same time sees half a file.
pub fn write(run: &Run, folder: &Path) -> Result<()> {
    write_all(folder, &json(run)?, &html(run)?)
}

/// The same for a run of any kind.
pub fn write_all(folder: &Path, json: &str, html: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| words::cannot_create_folder(folder.display()))?;
    write_file(&folder.join(run::FILE), json)?;
    write_file(&folder.join("report.html"), html)?;
    link_latest(folder)
}

/// The run as the text of `run.json`.
pub fn json(run: &Run) -> Result<String> {
    let mut text = serde_json::to_string_pretty(run).with_context(words::cannot_write_json)?;
    text.push('\n');
    Ok(text)
}

fn write_file(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let written = || -> Result<()> {
        // A temporary file is private by default, but a report should be as readable as its folder.
        let mut file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o666))
            .prefix(".writing-")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(())
    };
    written().with_context(|| words::cannot_write(path.display()))
}

/// Replaces the link atomically, by renaming a new one over it.
fn link_latest(folder: &Path) -> Result<()> {
    // An absolute path has a name and a parent even if the given path is `.`.
    let folder = folder.canonicalize().with_context(|| words::cannot_find(folder.display()))?;
    let (Some(runs), Some(name)) = (folder.parent(), folder.file_name()) else {
        bail!(words::needs_own_folder(folder.display()));
    };
    let latest = runs.join("latest");
    let linked = || -> Result<()> {
        let workshop = tempfile::Builder::new().prefix(".linking-").tempdir_in(runs)?;
        let link = workshop.path().join("latest");
        symlink(name, &link)?;
        fs::rename(&link, &latest)?;
        Ok(())
    };
    linked().with_context(|| words::cannot_link(latest.display()))
}
