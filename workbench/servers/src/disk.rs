//! A disk that is full.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use nix::sys::statvfs::statvfs;

use crate::words;

/// A larger file system is somebody's disk, and not one that was mounted to be filled.
const LARGEST: u64 = 2 << 30;
/// What a program says that is refused room (`strerror(ENOSPC)`).
const NO_ROOM: &str = "No space left on device";

/// A file that takes all the room there is on a file system. It goes when it is dropped, and with the folder.
#[derive(Debug)]
pub(super) struct Ballast {
    file: PathBuf,
    /// The log of the server on that disk, and how long it was before.
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

    /// Writes until there is no room left.
    fn fill(&self) -> io::Result<()> {
        let mut file = File::create(&self.file)?;
        io::copy(&mut io::repeat(0).take(LARGEST), &mut file)?;
        file.flush()
    }

    /// Gives the room back, and answers how often the server was refused any.
    pub(super) fn refused(self) -> u64 {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let since = log.get(self.earlier..).unwrap_or_default();
        since.lines().filter(|line| line.contains(NO_ROOM)).count() as u64
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        // Where that fails, it goes with the folder.
        let _ = fs::remove_file(&self.file);
    }
}
