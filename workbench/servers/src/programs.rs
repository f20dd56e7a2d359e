//! The programs of PostgreSQL and RabbitMQ on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

/// PostgreSQL's programs.
#[derive(Debug, Clone)]
pub struct PostgresPrograms {
    /// The folder that holds `postgres`, `initdb`, `psql` and `pgbench`.
    pub folder: PathBuf,
    /// As `postgres --version` says it, such as `15.14`.
    pub version: String,
}

/// RabbitMQ's programs and Erlang's.
#[derive(Debug, Clone)]
pub struct RabbitPrograms {
    /// The folder that holds `rabbitmq-server` and `rabbitmqctl`.
    pub folder: PathBuf,
    /// The folders that must be on RabbitMQ's `PATH` for it to find `erl`.
    pub erlang: PathBuf,
    /// Erlang's port mapper daemon.
    pub epmd: PathBuf,
    /// As the folder's name says it, such as `3.10.8`.
    pub version: String,
}

impl PostgresPrograms {
    /// The newest that has both the server and `initdb`.
    pub fn find() -> Option<PostgresPrograms> {
        let mut folders = path_folders();
        folders.extend(pg_config_folder());
        for (root, tail) in [
            ("/usr/lib/postgresql", "bin"), // Debian, Ubuntu
            ("/opt/homebrew/opt", "bin"),   // Homebrew on Apple silicon: postgresql@17
            ("/usr/local/opt", "bin"),      // Homebrew on Intel
            ("/usr/pgsql-17", "bin"),       // PostgreSQL's own RPMs
        ] {
            folders.extend(children(Path::new(root)).map(|folder| folder.join(tail)));
            folders.push(Path::new(root).join(tail));
        }
        // PATH may hold links or wrappers; what stands beside the real `postgres` belongs to it.
        let real = folders.iter().filter_map(|folder| folder.join("postgres").canonicalize().ok());
        let found = real.filter_map(|postgres| {
            let folder = postgres.parent()?.to_owned();
            let version = version(&postgres)?;
            folder.join("initdb").is_file().then_some(PostgresPrograms { folder, version })
        });
        found.max_by_key(|programs| numbers(&programs.version))
    }

    /// One of its programs, by name.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// `pgbench`, which some distributions package separately.
    pub fn pgbench(&self) -> Option<PathBuf> {
        let beside = self.program("pgbench");
        if beside.is_file() { Some(beside) } else { on_path("pgbench") }
    }
}

impl RabbitPrograms {
    /// The newest whose Erlang is here too.
    pub fn find() -> Option<RabbitPrograms> {
        let erlang = on_path("erl").or_else(|| first_file(&["/usr/lib/erlang/bin/erl"]))?;
        let epmd = on_path("epmd").or_else(|| epmd_beside(&erlang))?;
        let mut folders = path_folders();
        for root in ["/usr/lib/rabbitmq/lib", "/opt", "/opt/homebrew/opt/rabbitmq", "/usr/local/opt/rabbitmq"]
        {
            let root = Path::new(root);
            folders.extend(children(root).map(|folder| folder.join("sbin")));
            folders.push(root.join("sbin"));
        }
        let found = folders.iter().filter_map(|folder| {
            let folder = folder.join("rabbitmq-server").canonicalize().ok()?.parent()?.to_owned();
            // What lacks this file is a wrapper: Debian's changes the user to `rabbitmq` and its settings to the
            // system's. The real script stands in a folder that carries the version.
            let version = folder.join("rabbitmq-env").is_file().then(|| release(&folder)).flatten()?;
            let erlang = erlang.parent()?.to_owned();
            Some(RabbitPrograms { folder, erlang, epmd: epmd.clone(), version })
        });
        found.max_by_key(|programs| numbers(&programs.version))
    }

    /// One of its programs, by name.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// A program on `PATH`.
pub fn on_path(name: &str) -> Option<PathBuf> {
    path_folders().into_iter().map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The last word that looks like a version in what `program --version` prints.
pub fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let word = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    Some(word.trim_end_matches([',', ')']).to_owned())
}

fn path_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    // An ordinary user's PATH often lacks these, and distributions put servers there.
    folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders
}

fn pg_config_folder() -> Option<PathBuf> {
    let output = Command::new(on_path("pg_config")?).arg("--bindir").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().into())
}

/// Erlang's own `epmd` stands in a folder that carries the runtime's version.
fn epmd_beside(erl: &Path) -> Option<PathBuf> {
    let root = erl.canonicalize().ok()?.parent()?.parent()?.to_owned();
    children(&root).map(|folder| folder.join("bin/epmd")).find(|path| path.is_file())
}

fn first_file(paths: &[&str]) -> Option<PathBuf> {
    paths.iter().map(PathBuf::from).find(|path| path.is_file())
}

fn children(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()))
}

/// The version in a path such as `/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin`, or Homebrew's
/// `/opt/homebrew/Cellar/rabbitmq/4.1.0/sbin`.
fn release(folder: &Path) -> Option<String> {
    let name = folder.parent()?.file_name()?.to_str()?;
    let version = name.rsplit_once('-').map_or(name, |(_, version)| version);
    version.starts_with(|c: char| c.is_ascii_digit()).then(|| version.to_owned())
}

/// `15.14` as numbers, since as text it is older than `9.6`.
fn numbers(version: &str) -> Vec<u32> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_as_numbers() {
        assert!(numbers("15.14") > numbers("9.6"));
        assert!(numbers("15.14") > numbers("15.2"));
        assert!(numbers("18beta1") > numbers("17.2"));
    }

    #[test]
    fn rabbitmqs_version_is_in_its_folder() {
        let release = |path: &str| release(Path::new(path));
        assert_eq!(release("/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin").as_deref(), Some("3.10.8"));
        assert_eq!(release("/opt/homebrew/Cellar/rabbitmq/4.1.0/sbin").as_deref(), Some("4.1.0"));
        assert_eq!(release("/usr/sbin"), None);
    }
}
