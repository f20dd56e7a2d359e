//! Files of a recording, read only as far as a recording can be long.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// A recording does not grow beyond this, in bytes: some four hours.
pub(super) const LARGEST: u64 = 96 * 1024 * 1024;

/// The text of a file of a recording.
pub(super) fn text(path: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    // The limit holds while reading: a size asked for beforehand says nothing of a pipe or a device.
    let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    let of = || {
        format!(
            "cannot read the recording {}; `cleave dashboard` leaves one in .cleave/runs/…-live",
            path.display()
        )
    };
    read.with_context(of)?;
    if bytes.len() as u64 > LARGEST {
        bail!("{} is larger than any recording ({} MB at most)", path.display(), LARGEST / 1024 / 1024);
    }
    String::from_utf8(bytes).ok().with_context(|| format!("{} is damaged: it is no text", path.display()))
}
