//! Builds the other programs of this checkout, mainly the shop's, and finds them beside this one. Where `cleave` was
//! installed together with them, as in the container image, they are used as they are.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::time::{Instant, interval_at};

use crate::guard::executable;
use crate::words;

/// What the first build of the shop takes, in seconds of one core; docs/performance.md has the measurements.
const FIRST_BUILD_CORE_S: u64 = 180;

/// How often a build reports its progress where cargo's own is not shown.
const REPORT_EVERY: Duration = Duration::from_secs(15);

/// Builds these programs in the same profile as this one, and returns their folder.
///
/// Cargo decides whether there is anything to do, so it runs every time. Its progress is visible.
///
/// This is the second cargo call of a first use: `cargo cleave` has built this program, and `cargo run` builds the one
/// program that it runs. Both resolve features for the whole workspace, so neither builds again what the other has
/// built. docs/performance.md says what the second call costs.
pub async fn ensure_built(programs: &[&str]) -> Result<PathBuf> {
    let folder = executable()?.parent().context("a program stands in a folder")?.to_owned();
    if !is_built_here(&folder) && programs.iter().all(|program| folder.join(program).is_file()) {
        return Ok(folder);
    }
    if programs.iter().any(|program| !folder.join(program).exists()) {
        terminal::note!("{}", words::building(programs.join(", "), first_build_min()));
    }
    let mut cargo = cargo(&folder, programs)?;
    // At a terminal the user sees cargo's progress. Elsewhere its output is summed up, and shown only if it fails.
    let visible = std::io::stderr().is_terminal() || std::env::var_os("CI").is_some();
    cargo.stdin(Stdio::null()).stdout(Stdio::null());
    cargo.stderr(if visible { Stdio::inherit() } else { Stdio::piped() });
    let mut cargo =
        tokio::process::Command::from(cargo).kill_on_drop(true).spawn().with_context(words::cargo_missing)?;
    let said = match cargo.stderr.take() {
        Some(output) => {
            let report = |since: Duration, crates, line: &str| {
                terminal::note!("{}", words::still_building(since.as_secs(), crates, line));
            };
            follow(output, REPORT_EVERY, report).await?
        }
        None => String::new(),
    };
    let status = cargo.wait().await?;
    if !status.success() {
        bail!(words::build_failed(programs.join(", "), status, said.trim_end()));
    }
    if let Some(missing) = programs.iter().find(|program| !folder.join(program).is_file()) {
        bail!(words::built_elsewhere(missing, folder.display()));
    }
    Ok(folder)
}

/// Whether this program was installed together with the shop's, so that nothing has to be built.
pub fn are_installed() -> bool {
    let folder = executable().ok().and_then(|program| Some(program.parent()?.to_owned()));
    folder.is_some_and(|folder| !is_built_here(&folder) && folder.join("monolith").is_file())
}

/// Whether cargo builds into this folder. It keeps this file there as a lock.
fn is_built_here(folder: &Path) -> bool {
    folder.join(".cargo-lock").exists()
}

/// About how many minutes the first build takes on this machine.
fn first_build_min() -> u64 {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    FIRST_BUILD_CORE_S.div_ceil(cores * 60)
}

/// Reads cargo's output to its end and returns it. Meanwhile, regularly reports the time since the start, the number of
/// crates begun, and the last line.
async fn follow(
    output: impl AsyncRead + Unpin,
    every: Duration,
    mut report: impl FnMut(Duration, usize, &str),
) -> Result<String> {
    let start = Instant::now();
    let (mut said, mut crates, mut last) = (String::new(), 0, String::new());
    let mut lines = BufReader::new(output).split(b'\n');
    let mut reports = interval_at(start + every, every);
    loop {
        tokio::select! {
            line = lines.next_segment() => {
                let Some(line) = line? else { return Ok(said) };
                let line = String::from_utf8_lossy(&line);
                said.extend([&line, "\n"]);
                line.trim().clone_into(&mut last);
                crates += usize::from(last.starts_with("Compiling "));
            }
            _ = reports.tick() => report(start.elapsed(), crates, &last),
        }
    }
}

fn cargo(folder: &Path, programs: &[&str]) -> Result<Command> {
    // Set when cargo runs this program: use the same cargo.
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("the workbench is in a workspace")?;
    if !workspace.join("Cargo.toml").is_file() {
        bail!(words::checkout_gone(workspace.display()));
    }
    let Layout { target, platform, profile } = Layout::of(folder, is_target_folder)?;
    cargo.current_dir(workspace).args(["build", "--profile", profile, "--target-dir"]).arg(target);
    match platform {
        Some(platform) => cargo.arg("--target").arg(platform),
        // Otherwise cargo would build into another folder than expected.
        None => cargo.env_remove("CARGO_BUILD_TARGET"),
    };
    // Selected with --bin instead of --package, like the alias `cargo cleave`. Cargo then resolves the features of
    // shared crates for the whole workspace, and builds each crate only once.
    for program in programs {
        cargo.args(["--bin", program]);
    }
    Ok(cargo)
}

/// The location of a program among cargo's outputs: `target/<profile>`, or `target/<platform>/<profile>` if it was
/// built for an explicit platform. From this follows how to build others beside it, independently of
/// CARGO_TARGET_DIR, CARGO_BUILD_TARGET_DIR and CARGO_BUILD_TARGET, both now and when this program was built.
#[derive(Debug, PartialEq, Eq)]
struct Layout<'a> {
    /// Cargo's target folder.
    target: &'a Path,
    /// The platform, such as `x86_64-unknown-linux-gnu`; `None` for the default.
    platform: Option<&'a str>,
    /// The profile, as `--profile` takes it.
    profile: &'a str,
}

impl<'a> Layout<'a> {
    fn of(folder: &'a Path, is_target_folder: impl Fn(&Path) -> bool) -> Result<Layout<'a>> {
        let profile = match folder.file_name().and_then(|name| name.to_str()) {
            Some("debug") | None => "dev",
            Some(name) => name,
        };
        let above = folder.parent().context("a profile's folder stands in the target folder")?;
        let platform = above.file_name().and_then(|name| name.to_str());
        match (platform, above.parent()) {
            (Some(platform), Some(target)) if !is_target_folder(above) && is_target_folder(target) => {
                Ok(Layout { target, platform: Some(platform), profile })
            }
            _ => Ok(Layout { target: above, platform: None, profile }),
        }
    }
}

/// Checks for the file that cargo keeps about the compiler only at the top of a target folder.
fn is_target_folder(folder: &Path) -> bool {
    folder.join(".rustc_info.json").is_file()
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    fn arguments(folder: &str) -> Vec<String> {
        let cargo = cargo(Path::new(folder), &["monolith", "gateway"]).unwrap();
        cargo.get_args().map(|argument| argument.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn the_profile_and_the_target_folder_are_our_own() {
        let expected = "build --profile dev --target-dir /t --bin monolith --bin gateway";
        assert_eq!(arguments("/t/debug").join(" "), expected);
        assert!(arguments("/t/release").join(" ").contains("--profile release"));
    }

    #[test]
    fn only_cargos_folders_are_built_into() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_built_here(folder.path()));
        std::fs::write(folder.path().join(".cargo-lock"), "").unwrap();
        assert!(is_built_here(folder.path()));
    }

    #[tokio::test]
    async fn a_long_build_shows_life() {
        let (mut cargo, output) = tokio::io::duplex(1024);
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let report = move |_, crates, line: &str| {
            let _ = tell.send((crates, line.to_owned()));
        };
        let following = tokio::spawn(follow(output, Duration::from_millis(1), report));
        cargo.write_all(b"   Compiling a v1.0.0\n   Compiling b v0.2.0\n").await.unwrap();
        while told.recv().await.unwrap() != (2, "Compiling b v0.2.0".to_owned()) {}
        cargo.write_all(b"error: no \xff").await.unwrap();
        drop(cargo);
        let said = following.await.unwrap().unwrap();
        assert_eq!(said, "   Compiling a v1.0.0\n   Compiling b v0.2.0\nerror: no \u{fffd}\n");
    }

    #[test]
    fn where_a_program_stands_tells_how_it_was_built() {
        let layout = |folder: &'static str, roots: &[&str]| {
            let is_root = |folder: &Path| roots.contains(&folder.to_str().unwrap());
            let Layout { target, platform, profile } = Layout::of(Path::new(folder), is_root).unwrap();
            format!("{} {} {profile}", target.display(), platform.unwrap_or("-"))
        };
        assert_eq!(layout("/t/debug", &["/t"]), "/t - dev");
        assert_eq!(layout("/t/fast", &["/t"]), "/t - fast");
        let named = "/t/aarch64-apple-darwin/release";
        assert_eq!(layout(named, &["/t"]), "/t aarch64-apple-darwin release");
        // A target folder inside another one, and an unknown one.
        assert_eq!(
            layout("/t/x86_64-unknown-linux-gnu/debug", &["/t", "/t/x86_64-unknown-linux-gnu"]),
            "/t/x86_64-unknown-linux-gnu - dev"
        );
        assert_eq!(layout("/a/b/debug", &[]), "/a/b - dev");
    }

    #[test]
    fn a_platform_of_the_environment_does_not_move_the_build() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".rustc_info.json"), "{}").unwrap();
        let variable = |cargo: &Command| {
            cargo.get_envs().any(|(name, value)| name == "CARGO_BUILD_TARGET" && value.is_none())
        };
        let unnamed = cargo(&folder.path().join("debug"), &["monolith"]).unwrap();
        assert!(variable(&unnamed), "{unnamed:?}");
        let named = cargo(&folder.path().join("x86_64-unknown-linux-gnu/debug"), &["monolith"]).unwrap();
        let arguments: Vec<_> = named.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        assert!(arguments.join(" ").contains("--target x86_64-unknown-linux-gnu"), "{arguments:?}");
    }
}
