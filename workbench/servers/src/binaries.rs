//! The other programs of this checkout, the shop's first of all: built when they are needed, found beside this one.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::guard::executable;

/// Builds these programs, in the profile of this one, and answers the folder they stand in.
///
/// Cargo knows best whether there is anything to do, so it is asked every time. Its progress stays visible.
pub async fn ensure_built(programs: &[&str]) -> Result<PathBuf> {
    let folder = executable()?.parent().context("a program stands in a folder")?.to_owned();
    if programs.iter().any(|program| !folder.join(program).exists()) {
        eprintln!("Building {} with cargo: minutes the first time, seconds after that", programs.join(", "));
    }
    let mut cargo = cargo(&folder, programs)?;
    // At a terminal cargo's progress is for the user; elsewhere its words are only of interest if it fails.
    let visible = std::io::stderr().is_terminal() || std::env::var_os("CI").is_some();
    cargo.stdin(Stdio::null()).stdout(Stdio::null());
    cargo.stderr(if visible { Stdio::inherit() } else { Stdio::piped() });
    let output = tokio::process::Command::from(cargo)
        .kill_on_drop(true)
        .spawn()
        .context("cannot run cargo; is Rust installed, and on PATH?")?
        .wait_with_output()
        .await?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("cargo could not build {} ({}):\n{}", programs.join(", "), output.status, said.trim_end());
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
        bail!(
            "the checkout that cleave was built from, {}, is gone; build and run it in a checkout: cargo cleave",
            workspace.display()
        );
    }
    // Where we stand tells both, whatever CARGO_TARGET_DIR was when we were built, and is now.
    let target = folder.parent().context("a profile's folder stands in the target folder")?;
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    cargo.current_dir(workspace).args(["build", "--profile", profile, "--target-dir"]).arg(target);
    // Chosen by --bin and not by --package, as in the alias `cargo cleave`: cargo then gives the crates that several
    // packages use the features that the whole workspace wants, and builds each of them once.
    for program in programs {
        cargo.args(["--bin", program]);
    }
    Ok(cargo)
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
}
