//! The other programs of this checkout, the shop's first of all: built when they are needed, found beside this one.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::guard::executable;
use crate::words;

/// Builds these programs, in the profile of this one, and answers the folder they stand in.
///
/// Cargo knows best whether there is anything to do, so it is asked every time. Its progress stays visible.
pub async fn ensure_built(programs: &[&str]) -> Result<PathBuf> {
    let folder = executable()?.parent().context("a program stands in a folder")?.to_owned();
    if programs.iter().any(|program| !folder.join(program).exists()) {
        terminal::note!("{}", words::building(programs.join(", ")));
    }
    let mut cargo = cargo(&folder, programs)?;
    // At a terminal cargo's progress is for the user; elsewhere its words are only of interest if it fails.
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
    // Set while cargo runs us: the same cargo.
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
        // Else cargo would build into another folder than the one that we look in.
        None => cargo.env_remove("CARGO_BUILD_TARGET"),
    };
    // Chosen by --bin and not by --package, as in the alias `cargo cleave`: cargo then gives the crates that several
    // packages use the features that the whole workspace wants, and builds each of them once.
    for program in programs {
        cargo.args(["--bin", program]);
    }
    Ok(cargo)
}

/// Where a program stands among what cargo builds: in `target/<profile>`, or, where it was built for a platform that
/// was named, in `target/<platform>/<profile>`. That tells how to build others beside it, whatever CARGO_TARGET_DIR,
/// CARGO_BUILD_TARGET_DIR and CARGO_BUILD_TARGET were when this one was built, and are now.
#[derive(Debug, PartialEq, Eq)]
struct Layout<'a> {
    /// Cargo's target folder.
    target: &'a Path,
    /// The platform, as `x86_64-unknown-linux-gnu`; `None` for this machine's, unnamed.
    platform: Option<&'a str>,
    /// The profile, by the name that `--profile` takes.
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

/// Cargo keeps there, and nowhere below, what it knows of the compiler.
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
        // A target folder within another one, and one of which nothing is known.
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
