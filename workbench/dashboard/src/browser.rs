//! Opening the page in a browser.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::words;
use anyhow::{Context, Result};

/// The program that opens a file with its default application.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };

/// Opens an address that contains the token. It is not passed on the command line, which every user of the machine
/// could read. Instead a file that only this user can read redirects the browser.
pub(super) fn open(folder: &Path, address: &str) -> Result<()> {
    fs::create_dir_all(folder)?;
    let path = folder.join("dashboard.html");
    let _ = fs::remove_file(&path);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
    // An address and hexadecimal digits contain nothing to escape.
    write!(file, "<!doctype html><meta http-equiv=\"refresh\" content=\"0; url={address}\">")?;
    let opening = Command::new(OPENER).arg(&path).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    opening.with_context(|| words::no_opener(OPENER))?;
    Ok(())
}
