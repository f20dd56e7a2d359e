//! Keeps the settings in a file, so that they survive a restart of the registry.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use anyhow::{Context, anyhow};
use platform::settings::Settings;
use serde_json::{Map, Value};

use crate::settings;

/// The settings file, read at the start and written with every change: a JSON object with names and values, e.g.
/// `{"gateway.timeout_ms": 500}`.
#[derive(Debug, Clone)]
pub struct Kept(PathBuf);

impl Kept {
    /// Opens a file and reads its settings. A missing file means defaults. An invalid file is an error, because
    /// continuing without it would silently change every time-out.
    pub fn read(file: PathBuf) -> anyhow::Result<(Kept, Settings)> {
        let settings = match fs::read_to_string(&file) {
            Ok(text) => parse(&text).with_context(|| format!("the settings in {}", file.display()))?,
            Err(error) if error.kind() == ErrorKind::NotFound => Settings::default(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        Ok((Kept(file), settings))
    }

    /// Writes all settings. The old file stays until the new one is complete and on disk.
    pub fn write(&self, settings: &Settings) -> anyhow::Result<()> {
        let beside = self.0.with_extension("new");
        let written = || -> anyhow::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(serde_json::to_string_pretty(settings)?.as_bytes())?;
            file.sync_all()?;
            Ok(fs::rename(&beside, &self.0)?)
        };
        written().with_context(|| format!("cannot write {}", self.0.display()))
    }
}

fn parse(text: &str) -> anyhow::Result<Settings> {
    let values: Map<String, Value> =
        serde_json::from_str(text).context("must be a JSON object of names and values")?;
    let mut kept = Settings::default();
    let mut set = |(name, value): (&String, &Value)| settings::set(&mut kept, name, value);
    values.iter().try_for_each(&mut set).map_err(|why| anyhow!(why))?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::settings::GATEWAY_TIMEOUT;

    #[test]
    fn what_was_set_is_there_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        let (kept, mut settings) = Kept::read(file.clone()).unwrap();
        assert_eq!(settings, Settings::default());
        settings.set(&GATEWAY_TIMEOUT, &json!(500)).unwrap();
        kept.write(&settings).unwrap();
        let (_, again) = Kept::read(file).unwrap();
        assert_eq!(again.get(&GATEWAY_TIMEOUT), 500);
    }

    #[test]
    fn a_file_that_cannot_be_understood_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("settings.json");
        for (text, said) in [
            ("{", "names and values"),
            (r#"{"gateway.timeout": 5}"#, "there is no setting"),
            (r#"{"gateway.timeout_ms": -5}"#, "must be a whole number"),
        ] {
            fs::write(&file, text).unwrap();
            let error = format!("{:#}", Kept::read(file.clone()).unwrap_err());
            assert!(error.contains(said) && error.contains("settings.json"), "{error}");
        }
    }
}
