//! Recordings: each session of the dashboard writes one, which `cleave replay` plays back.
//!
//! A recording is a folder `.cleave/runs/…-live` with `live.jsonl`: a header, then one sample per line. It is written
//! line by line, so a session that is killed leaves everything up to that moment. Some [`stories`] are stored beside
//! it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::bounded::{LARGEST, text};
use super::sample::{Header, Recording, SCHEMA, Sample};
use super::stories::{self, Kept};
use crate::words;

/// The file in the folder.
const FILE: &str = "live.jsonl";

/// Writes a recording.
#[derive(Debug)]
pub struct Recorder {
    file: File,
    told: Recording,
    largest: u64,
}

impl Recorder {
    /// Starts a recording in a new subfolder of `runs`.
    pub fn start(runs: &Path, header: &Header) -> Result<Recorder> {
        Recorder::bounded(runs, header, LARGEST)
    }

    fn bounded(runs: &Path, header: &Header, largest: u64) -> Result<Recorder> {
        let name = header.started_at.format("%Y%m%dT%H%M%SZ");
        let mut folder = runs.join(format!("{name}-live"));
        for number in 2.. {
            if !folder.exists() {
                break;
            }
            folder = runs.join(format!("{name}-live-{number}"));
        }
        fs::create_dir_all(&folder).with_context(|| words::cannot_create(folder.display()))?;
        let path = folder.join(FILE);
        let file = File::create_new(&path).with_context(|| words::cannot_write(path.display()))?;
        let told = Recording { folder: Some(folder.display().to_string()), bytes: 0, full: false };
        let mut recorder = Recorder { file, told, largest };
        recorder.write(&serde_json::to_string(header)?);
        Ok(recorder)
    }

    /// Writes a line, unless the recording is full. A full disk ends the recording, and not the session.
    pub fn write(&mut self, line: &str) {
        let bytes = line.len() as u64 + 1;
        if self.told.full {
            return;
        }
        if self.told.bytes + bytes > self.largest || writeln!(self.file, "{line}").is_err() {
            self.told.full = true;
            return;
        }
        self.told.bytes += bytes;
    }

    /// Its folder and size.
    pub fn told(&self) -> &Recording {
        &self.told
    }
}

/// A recording that was read and checked.
#[derive(Debug)]
pub struct Recorded {
    /// Its first line.
    pub header: Header,
    /// The whole text, one JSON value per line.
    pub text: String,
    /// The number of samples.
    pub samples: usize,
    /// The recorded stories.
    pub stories: Vec<Kept>,
}

/// Reads a recording: the folder of a session, or the file in it.
pub fn read(place: &Path) -> Result<Recorded> {
    let path = if place.is_dir() { place.join(FILE) } else { place.to_owned() };
    let mut text = text(&path)?;
    let header = header(&path, text.lines().next().unwrap_or_default())?;
    let mut samples = 0;
    let mut good = 0;
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let sound = number == 0 || serde_json::from_str::<Sample>(line).is_ok();
        // A session that was killed may have left an incomplete last line, which is ignored.
        if !sound && !line.ends_with('\n') {
            break;
        }
        if !sound {
            bail!(words::line_is_no_sample(path.display(), number + 1));
        }
        samples += usize::from(number > 0);
        good += line.len();
    }
    text.truncate(good);
    if samples == 0 {
        bail!(words::no_samples(path.display()));
    }
    let stories = stories::read(&path)?;
    Ok(Recorded { header, text, samples, stories })
}

fn header(path: &Path, line: &str) -> Result<Header> {
    /// The version first: otherwise another version would be reported as damage.
    #[derive(Deserialize)]
    struct Version {
        schema: String,
    }
    let damaged = || words::no_recording(path.display());
    let Version { schema } = serde_json::from_str(line).with_context(damaged)?;
    if schema != SCHEMA {
        bail!(words::another_version(path.display(), schema, SCHEMA));
    }
    serde_json::from_str(line).with_context(|| words::no_header(path.display()))
}

/// The folder of the recordings, in the folder of runs and state.
pub fn runs(folder: &Path) -> PathBuf {
    folder.join("runs")
}

/// The latest recording.
pub fn latest(folder: &Path) -> Result<PathBuf> {
    let entries = fs::read_dir(runs(folder)).into_iter().flatten().flatten();
    let recorded = entries.map(|entry| entry.path()).filter(|path| path.join(FILE).is_file());
    // Their names begin with the time.
    recorded.max().with_context(|| words::no_recording_in(runs(folder).display()))
}

#[cfg(test)]
mod tests {
    use terminal::language::{self, Language};

    use super::*;

    fn in_english<T>(make: impl FnOnce() -> T) -> T {
        language::with(Language::English, make)
    }

    const EXAMPLE: &str = include_str!("../tests/data/live.jsonl");

    fn problem(text: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        in_english(|| format!("{:#}", read(folder.path()).unwrap_err()))
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (first, rest) = EXAMPLE.split_once('\n').unwrap();
        let header: Header = serde_json::from_str(first).unwrap();
        let mut recorder = Recorder::start(folder.path(), &header).unwrap();
        rest.lines().for_each(|line| recorder.write(line));
        let told = recorder.told().clone();
        assert!(!told.full);
        let recorded = read(Path::new(told.folder.as_deref().unwrap())).unwrap();
        assert_eq!((recorded.samples, recorded.text.len() as u64), (2, told.bytes));
        assert_eq!(recorded.header, header);
        // A second session in the same second gets its own folder.
        let second = Recorder::start(folder.path(), &header).unwrap();
        assert_ne!(second.told().folder, told.folder);
    }

    #[test]
    fn it_is_bounded_and_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let header: Header = serde_json::from_str(EXAMPLE.lines().next().unwrap()).unwrap();
        let mut recorder = Recorder::bounded(folder.path(), &header, 1_000).unwrap();
        (0..10).for_each(|_| recorder.write(&"x".repeat(300)));
        let told = recorder.told();
        assert!(told.full && told.bytes <= 1_000, "{told:?}");
    }

    #[test]
    fn what_a_killed_session_left_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let cut = &EXAMPLE[..EXAMPLE.len() - 50];
        fs::write(folder.path().join(FILE), cut).unwrap();
        let recorded = read(folder.path()).unwrap();
        assert_eq!(recorded.samples, 1);
        assert!(recorded.text.ends_with('\n'));
    }

    #[test]
    fn a_bad_recording_is_told_from_a_good_one() {
        let header = EXAMPLE.lines().next().unwrap();
        assert!(problem("").contains("is no recording"));
        assert!(problem("{\"schema\": \"cleave.live/9\"}\n").contains("another version, cleave.live/9"));
        assert!(problem("{\"schema\": \"cleave.live/1\"}\n").contains("line 1"));
        assert!(problem(&format!("{header}\n")).contains("no sample"));
        assert!(problem(&format!("{header}\n{{}}\n{{}}\n")).contains("line 2 is not a sample"));
        assert!(problem("no JSON\n").contains("is no recording"));
        let empty = tempfile::tempdir().unwrap();
        let error = format!("{:#}", read(empty.path()).unwrap_err());
        assert!(error.contains("live.jsonl"), "{error}");
        let error = format!("{:#}", read(Path::new("/nowhere")).unwrap_err());
        assert!(error.contains("/nowhere") && error.contains("No such file"), "{error}");
    }
}
