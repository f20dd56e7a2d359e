//! Builds the other programs of this checkout, mainly the shop's, and finds them beside this one.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::guard::executable;
use crate::words;

/// Builds these programs in the same profile as this one, and returns their folder.
///
/// Cargo decides whether there is anything to do, so it runs every time. Its progress is visible.
pub async fn ensure_built(programs: &[&str]) -> Result<PathBuf> {
    let folder = executable()?.parent().context("a program stands in a folder")?.to_owned();
    if programs.iter().any(|program| !folder.join(program).exists()) {
        terminal::note!("{}", words::building(programs.join(", ")));
    }
    let mut cargo = cargo(&folder, programs)?;
    // At a terminal the user sees cargo's progress. Elsewhere its output is shown only if it fails.
    let visible = std::io::stderr().is_terminal() || std::env::var_os("CI").is_some();
    cargo.stdin(Stdio::null()).stdout(Stdio::null());
    cargo.stderr(if visible { Stdio::inherit() } else { Stdio::piped() });
    let output = tokio::process::Command::from(cargo)
        .kill_on_drop(true)
        .spawn()
        .with_context(words::cargo_missing)?
        .wait_with_output()
        .await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(words::build_failed(programs.join(", "), output.status, said.trim_end()));
    }
    if let Some(missing) = programs.iter().find(|program| !folder.join(program).is_file()) {
        bail!(words::built_elsewhere(missing, folder.display()));
    }
    Ok(folder)
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
