//! The command line of `cleave clean`.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use super::values::{Json, amqp_url, number, postgres_url};
use crate::clean::{self, Kind, Removal};

#[derive(Debug, Args)]
pub(super) struct Clean {
    /// What to remove; by default nothing. `all` keeps packages, which are removed only if named.
    #[arg(value_enum, value_name = "KIND")]
    kinds: Vec<Kind>,
    /// Number of latest runs to keep.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = number)]
    keep: u64,
    /// PostgreSQL where cleave made databases: postgres://user:password@host:port/name.
    #[arg(long, value_name = "URL", value_parser = postgres_url)]
    database_url: Option<String>,
    /// RabbitMQ where cleave made queues: amqp://user:password@host:port/%2f.
    #[arg(long, value_name = "URL", value_parser = amqp_url)]
    amqp_url: Option<String>,
    #[command(flatten)]
    json: Json,
}

pub(super) async fn clean(asked: Clean, folder: &Path) -> Result<u8> {
    let Clean { kinds, keep, database_url, amqp_url, json } = asked;
    let keep = usize::try_from(keep).unwrap_or(usize::MAX);
    let wanted = Removal { kinds, keep, database_url, amqp_url };
    clean::run(folder, &wanted, json.json.as_deref()).await
}
