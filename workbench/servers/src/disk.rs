//! Fills a disk.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::statvfs::statvfs;

use crate::words;

/// A larger file system was not mounted to be filled.
const LARGEST: u64 = 2 << 30;
/// A program's error message for a full disk (`strerror(ENOSPC)`).
const NO_ROOM: &str = "No space left on device";

/// A file that takes all free space of a file system. Removed when dropped, or with the folder.
#[derive(Debug)]
pub(super) struct Ballast {
    file: PathBuf,
    /// The server's log, and its length before.
    log: PathBuf,
    earlier: usize,
}

impl Ballast {
    /// Fills the file system of this folder, if it is small enough to have been mounted for that.
    pub(super) fn load(folder: &Path, log: &Path) -> Result<Ballast> {
        let found = statvfs(folder).with_context(|| words::cannot_look_at(folder.display()))?;
        let size = found.blocks() as u64 * found.fragment_size() as u64;
        ensure!(size <= LARGEST, words::disk_too_large(size >> 30, LARGEST >> 30));
        let earlier = fs::metadata(log).map_or(0, |log| log.len() as usize);
        let ballast = Ballast { file: folder.join("ballast"), log: log.to_owned(), earlier };
        match ballast.fill() {
            Err(error) if error.kind() == ErrorKind::StorageFull => Ok(ballast),
            Err(error) => Err(error).with_context(|| words::cannot_write(ballast.file.display())),
            Ok(()) => bail!(words::disk_not_full(folder.display(), LARGEST)),
        }
    }

    /// Writes until the disk is full.
    fn fill(&self) -> io::Result<()> {
        let mut file = File::create(&self.file)?;
        io::copy(&mut io::repeat(0).take(LARGEST), &mut file)?;
        file.flush()
    }

    /// Frees the space. Returns how often the server found the disk full.
    pub(super) fn refused(self) -> u64 {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let since = log.get(self.earlier..).unwrap_or_default();
        since.lines().filter(|line| line.contains(NO_ROOM)).count() as u64
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        // If this fails, the file is removed with the folder.
        let _ = fs::remove_file(&self.file);
    }
}
