//! Reads a run from its file, and says what is wrong with one that cannot be read.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{FILE, Run, SCHEMA};
use crate::words;

/// A larger file is not a run: ten trials of an hour need less than a tenth of this.
const LARGEST_FILE: u64 = 64 * 1024 * 1024;

/// Why a file could not be read as a run.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file does not exist or may not be read.
    #[error("{}", words::cannot_read(.path))]
    Io {
        /// The file.
        path: String,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A folder without a run.
    #[error("{}", words::no_run_in(.folder))]
    NoRun {
        /// The folder.
        folder: String,
    },
    /// Much larger than any run.
    #[error("{}", words::too_large(.path))]
    TooLarge {
        /// The file.
        path: String,
    },
    /// JSON in another version of the format.
    #[error("{}", words::other_version(.path, .found, SCHEMA))]
    OtherVersion {
        /// The file.
        path: String,
        /// Its `schema` field.
        found: String,
    },
    /// JSON, but another kind of record, such as that of a scenario.
    #[error("{}", words::other_record(.path, .found, SCHEMA))]
    OtherRecord {
        /// The file.
        path: String,
        /// Its `schema` field.
        found: String,
    },
    /// Not JSON, truncated, or with a missing or wrong field.
    #[error("{}", words::damaged(.path, SCHEMA, .why))]
    Damaged {
        /// The file.
        path: String,
        /// The error and its line.
        why: serde_json::Error,
    },
}

impl Run {
    /// Reads a `run.json`, or the one in a folder.
    pub fn read(path: &Path) -> Result<Run, ReadError> {
        if path.is_dir() {
            let file = path.join(FILE);
            if !file.exists() {
                return Err(ReadError::NoRun { folder: path.display().to_string() });
            }
            return Run::read(&file);
        }
        let name = || path.display().to_string();
        let io = |source| ReadError::Io { path: name(), source };
        let damaged = |why| ReadError::Damaged { path: name(), why };

        // The limit applies while reading: the size of a pipe or device is not known beforehand.
        let mut bytes = Vec::new();
        File::open(path).map_err(io)?.take(LARGEST_FILE + 1).read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() as u64 > LARGEST_FILE {
            return Err(ReadError::TooLarge { path: name() });
        }

        // The version first: otherwise a later format would be reported as damage.
        #[derive(Deserialize)]
        struct Header {
            schema: String,
        }
        let header: Header = serde_json::from_slice(&bytes).map_err(damaged)?;
        let kind = |schema: &str| schema.split('/').next().map(str::to_owned);
        match header.schema {
            found if found == SCHEMA => {}
            found if kind(&found) == kind(SCHEMA) => {
                return Err(ReadError::OtherVersion { path: name(), found });
            }
            found => return Err(ReadError::OtherRecord { path: name(), found }),
        }
        serde_json::from_slice(&bytes).map_err(damaged)
    }
}
