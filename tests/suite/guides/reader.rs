//! Stands in for a reader who pastes commands into a terminal.

use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tests::Stage;
use tokio::process::Command;

use crate::docs::checkout;

/// The limit for one block of commands on a busy machine. The longest compares all six drivers.
const BOUND: Duration = Duration::from_secs(1800);

/// Stands in for `cargo` on the reader's path. A command that stays until Ctrl-C runs in the background here, as it
/// does in a second terminal of the reader's, and the next command waits until its shop is up.
const CARGO: &str = r#"#!/usr/bin/env bash
set -euo pipefail
# Paths in commands are those of a clone.
case "$*" in *docs/*) cd "$GUIDE_CHECKOUT" ;; esac
case "$1" in
    cleave) shift ;;
    # The only program of this workspace that guides run by cargo.
    run) exec "$GUIDE_SIMULATE" "${@:7}" ;;
    # cleave itself builds the shop with cargo, which is next on the path.
    *) PATH=${PATH#*:} exec cargo "$@" ;;
esac
cleave=("$GUIDE_CLEAVE" --folder "$GUIDE/state" "$1")
case "$*" in
    *--export*|*--help*) ;;
    up*|dashboard*)
        "${cleave[@]}" "${@:2}" --yes >"$GUIDE/stays.log" 2>&1 &
        stays=$!
        for _ in $(seq 3000); do
            if [ -e "$GUIDE/state/up.json" ]; then exit 0; fi
            if ! kill -0 "$stays" 2>/dev/null; then cat "$GUIDE/stays.log" >&2; exit 98; fi
            sleep 0.1
        done
        echo "cleave $* did not come up" >&2
        exit 97 ;;
    replay*|logs*--follow*)
        "${cleave[@]}" "${@:2}" >"$GUIDE/stays.log" 2>&1 &
        stays=$!
        for _ in $(seq 300); do
            if [ -s "$GUIDE/stays.log" ]; then break; fi
            sleep 0.1
        done
        kill "$stays" || { cat "$GUIDE/stays.log" >&2; exit 96; }
        exit 0 ;;
esac
# The guides put something in doubt before they list it, split:naive is there to be caught, and an audit of a shop
# without orders has no evidence.
expected=0
case "$*" in in-doubt|crash-matrix*split:naive*) expected=1 ;; audit) expected=2 ;; esac
status=0
"${cleave[@]}" "${@:2}" || status=$?
if [ "$status" != "$expected" ]; then echo "cleave $* ended with $status, not $expected" >&2; exit 95; fi
"#;

/// An empty folder, and commands on the path that stand in for those that a test cannot use.
pub struct Reader {
    folder: TempDir,
    cleave: PathBuf,
}

impl Reader {
    pub async fn new(stage: &Stage) -> Result<Reader> {
        let cleave = stage.programs().await?.join("cleave");
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("bin"))?;
        // No browser opens during a test.
        for (name, script) in [("cargo", CARGO), ("xdg-open", "#!/bin/sh\n"), ("open", "#!/bin/sh\n")] {
            let path = folder.path().join("bin").join(name);
            fs::write(&path, script)?;
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        }
        Ok(Reader { folder, cleave })
    }

    /// Runs these commands, and returns what they print.
    pub async fn paste(&self, script: &str) -> Result<String> {
        let folder = self.folder.path();
        let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap_or_default());
        let mut bash = Command::new("bash");
        bash.args(["-euo", "pipefail", "-c", script])
            .current_dir(folder)
            .env("PATH", path)
            .env("GUIDE", folder)
            .env("GUIDE_CLEAVE", &self.cleave)
            .env("GUIDE_SIMULATE", env!("CARGO_BIN_EXE_simulate"))
            .env("GUIDE_CHECKOUT", checkout())
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let Output { status, stdout, stderr } =
            tokio::time::timeout(BOUND, bash.output()).await.context("it did not end")??;
        let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        ensure!(status.success(), "ended with {status}:\n{script}\n{out}\n{err}");
        Ok(out.into_owned())
    }

    /// Runs these blocks of commands in order. A reader that stops half way must not leave its shop behind.
    pub async fn paste_all(&self, scripts: &[String]) -> Result<()> {
        let mut outcome = Ok(());
        for script in scripts {
            outcome = self.paste(script).await.map(|_| ());
            if outcome.is_err() {
                break;
            }
        }
        if self.folder.path().join("state/up.json").exists() {
            let down = self.paste("cargo cleave down").await;
            outcome = outcome.and(down.map(|_| ()).context("at the end"));
        }
        outcome
    }
}
