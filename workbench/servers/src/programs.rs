//! Finds the programs of PostgreSQL and RabbitMQ on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

/// PostgreSQL's programs.
#[derive(Debug, Clone)]
pub struct PostgresPrograms {
    /// The folder with `postgres`, `initdb`, `psql` and `pgbench`.
    pub folder: PathBuf,
    /// The version reported by `postgres --version`, such as `15.14`.
    pub version: String,
}

/// The programs of RabbitMQ and Erlang.
#[derive(Debug, Clone)]
pub struct RabbitPrograms {
    /// The folder with `rabbitmq-server` and `rabbitmqctl`.
    pub folder: PathBuf,
    /// The folder that RabbitMQ's `PATH` must contain, so that it finds `erl`.
    pub erlang: PathBuf,
    /// Erlang's port mapper daemon.
    pub epmd: PathBuf,
    /// The version in the folder's name, such as `3.10.8`.
    pub version: String,
}

impl PostgresPrograms {
    /// Finds the newest version that has both the server and `initdb`.
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
        // PATH may contain links or wrappers. The programs beside the real `postgres` belong to it.
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
    /// Finds the newest version, if Erlang is installed too.
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
            // A folder without this file has wrappers: Debian's run as the user `rabbitmq` with the system's
            // settings. The real scripts are in a folder with the version in its name.
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
    // Distributions install servers in these folders, which an ordinary user's PATH often lacks.
    folders.extend(["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from));
    folders
}

fn pg_config_folder() -> Option<PathBuf> {
    let output = Command::new(on_path("pg_config")?).arg("--bindir").output().ok()?;
    Some(String::from_utf8(output.stdout).ok()?.trim().into())
}

/// Erlang's own `epmd` is in a folder with the runtime's version in its name.
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

/// A version as numbers, because as text `15.14` is less than `9.6`.
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
