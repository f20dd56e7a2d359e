//! `cleave manifests`: writes what compose and Kubernetes need, from the description that `cleave up` uses too.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use topology::{Mode, Part};

use crate::words;

mod compose;
mod kubernetes;
mod yaml;

/// The tool that reads the manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Orchestrator {
    /// compose.yaml, for `docker compose`.
    Compose,
    /// deploy/kubernetes, for `kubectl apply -k`.
    Kubernetes,
}

/// A file: its path in the checkout, and its text.
type File = (String, String);

/// The port on which each program listens in its container.
const PORT: u16 = 8080;
/// The images of the servers.
const POSTGRES: &str = "postgres:17";
const RABBITMQ: &str = "rabbitmq:4.0";
/// The settings of PostgreSQL that differ from its defaults: rule 33 (prepared limit), and the order of commits.
const POSTGRES_SETTINGS: [&str; 6] =
    ["-c", "max_prepared_transactions=128", "-c", "track_commit_timestamp=on", "-c", "max_connections=400"];

/// Writes the files into this folder, and lists them.
pub fn write(orchestrator: Orchestrator, folder: &Path) -> Result<()> {
    for (path, text) in files(orchestrator) {
        let path = folder.join(path);
        let written = || {
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(&path, text)
        };
        written().with_context(|| words::cannot_write(path.display()))?;
        terminal::say!("{}", path.display());
    }
    Ok(())
}

fn files(orchestrator: Orchestrator) -> Vec<File> {
    match orchestrator {
        Orchestrator::Compose => compose::files(),
        Orchestrator::Kubernetes => kubernetes::files(),
    }
}

/// The comment at the head of a file.
fn head(what: &str, command: &str) -> String {
    format!(
        "# {what}\n# Written by `cleave manifests {command}`, from the description of the shop that `cleave up` uses.\n"
    )
}

/// The parts behind the entrance, if the entrance is a gateway.
fn behind_gateway(mode: Mode) -> Vec<Part> {
    mode.parts().into_iter().filter(|part| !part.is_entrance).collect()
}

/// The gateway's addresses of the services: `catalog=http://catalog:8080,…`.
fn upstreams(mode: Mode) -> String {
    let address = |part: &Part| format!("{0}=http://{0}:{PORT}", part.name);
    behind_gateway(mode).iter().map(address).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `CLEAVE_DRAW=1` writes them instead.
    #[test]
    fn what_is_committed_is_what_is_written() {
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
        for orchestrator in [Orchestrator::Compose, Orchestrator::Kubernetes] {
            if std::env::var_os("CLEAVE_DRAW").is_some() {
                write(orchestrator, checkout).unwrap();
            }
            for (path, text) in files(orchestrator) {
                let committed = fs::read_to_string(checkout.join(&path)).unwrap_or_default();
                assert_eq!(committed, text, "{path} is out of date: cargo cleave manifests {orchestrator:?}");
            }
        }
    }
}
