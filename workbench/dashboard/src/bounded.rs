//! Reads files of a recording, with a limit on their size.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::words;
use anyhow::{Context, Result, bail};

/// The most bytes of a recording: about four hours.
pub(super) const LARGEST: u64 = 96 * 1024 * 1024;

/// The text of a file of a recording.
pub(super) fn text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    // The limit applies while reading: the size of a pipe or device is not known beforehand.
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    read.with_context(|| words::cannot_read_recording(path.display()))?;
    if bytes.len() as u64 > LARGEST {
        bail!(words::recording_too_large(path.display(), LARGEST / 1024 / 1024));
    }
    String::from_utf8(bytes).ok().with_context(|| words::recording_no_text(path.display()))
}
