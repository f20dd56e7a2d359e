//! The parts of a run's record that are not measured: machine, commit and servers.

use std::process::Command;

use anyhow::{Context, Result};
use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use serde::{Deserialize, Serialize};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::{FoundBy, Infrastructure, words};

/// The machine that this program runs on.
pub fn machine() -> Machine {
    let wanted = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(wanted).ok();
    let cpus = system.as_ref().map(System::cpus).unwrap_or_default();
    Machine {
        os: System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned()),
        cpu: cpus
            .first()
            .map_or_else(|| std::env::consts::ARCH.to_owned(), |cpu| cpu.brand().trim().to_owned()),
        cores: Some(cpus.len() as u64).filter(|cores| *cores > 0),
        memory_mb: system.as_ref().map(|system| system.total_memory() / 1_000_000).filter(|mb| *mb > 0),
    }
}

/// The commit of the checkout, with `-dirty` if files differ from it; `None` outside git.
pub fn commit() -> Option<String> {
    let commit = git(&["rev-parse", "HEAD"])?;
    let dirty = git(&["status", "--porcelain"]).is_none_or(|changes| !changes.is_empty());
    Some(if dirty { format!("{commit}-dirty") } else { commit })
}

fn git(arguments: &[&str]) -> Option<String> {
    let output =
        Command::new("git").arg("-C").arg(env!("CARGO_MANIFEST_DIR")).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The servers of a run, with their durability settings.
pub async fn servers(infra: &Infrastructure) -> Result<Servers> {
    let postgresql = Server {
        version: infra.postgres.version().to_owned(),
        found: found(infra.postgres.running.found_by()),
        durability: durability(infra.postgres.admin_url()).await?,
    };
    let rabbitmq = infra.rabbitmq.as_ref().map(|broker| Server {
        version: broker.version().to_owned(),
        found: found(broker.running.found_by()),
        durability: "quorum queues, persistent messages, publisher confirms".to_owned(),
    });
    Ok(Servers { postgresql: Some(postgresql), rabbitmq })
}

fn found(by: FoundBy) -> Found {
    match by {
        FoundBy::Url => Found::Url,
        FoundBy::Private => Found::Private,
        FoundBy::Container => Found::Container,
    }
}

/// The durability settings as the server reports them, such as `fsync on, full_page_writes on, synchronous_commit
/// on`.
async fn durability(url: &str) -> Result<String> {
    #[derive(QueryableByName)]
    struct DurabilityRow {
        #[diesel(sql_type = Text)]
        settings: String,
    }
    let query = "SELECT string_agg(name || ' ' || setting, ', ' ORDER BY name) AS settings FROM pg_settings
                 WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')";
    let mut connection = crate::connect(url).await?;
    let row = diesel::sql_query(query).get_result::<DurabilityRow>(&mut connection).await;
    Ok(row.with_context(words::cannot_read_settings)?.settings)
}

/// The machine of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Machine {
    /// The operating system's name and version.
    pub os: String,
    /// The processor's name.
    pub cpu: String,
    /// Logical processors; null if unknown.
    pub cores: Option<u64>,
    /// Physical memory in MB (10⁶ bytes); null if unknown.
    pub memory_mb: Option<u64>,
}

impl Machine {
    /// One line for people. Leaves out what is not known.
    pub fn words(&self) -> String {
        let cores = self.cores.map(words::cores);
        let memory = self.memory_mb.map(words::memory);
        [Some(self.cpu.clone()), cores, memory, Some(self.os.clone())]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// The servers that both modes use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Servers {
    /// The database server.
    pub postgresql: Option<Server>,
    /// The broker; null if no mode of the run needs one.
    pub rabbitmq: Option<Server>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// The version that the server itself reports.
    pub version: String,
    /// How it was found.
    pub found: Found,
    /// The settings that decide what survives a crash, in words.
    pub durability: String,
}

/// How a server was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Found {
    /// The user gave its URL.
    Url,
    /// Started for this run from the programs on the machine.
    Private,
    /// Started for this run in a container.
    Container,
}

#[cfg(test)]
mod tests {
    use terminal::language::{Language, with};

    use super::*;

    #[test]
    fn what_the_system_does_not_tell_is_no_zero() {
        let told =
            Machine { os: "Linux".into(), cpu: "A CPU".into(), cores: Some(2), memory_mb: Some(24_000) };
        assert_eq!(with(Language::English, || told.words()), "A CPU, 2 cores, 24000 MB of memory, Linux");
        assert_eq!(with(Language::Korean, || told.words()), "A CPU, 코어 2개, 메모리 24000 MB, Linux");
        let untold = Machine { cores: None, memory_mb: None, ..told };
        assert_eq!(untold.words(), "A CPU, Linux");
        assert_eq!(serde_json::to_value(untold).unwrap()["cores"], serde_json::Value::Null);
    }
}
