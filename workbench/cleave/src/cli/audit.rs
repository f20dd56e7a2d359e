//! `cleave audit`: at rest, or live; and `cleave bench live-audit`.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::values::{Json, ServerArgs, driver, length, number, shop, whole};
use super::{HELD, exit_status};
use crate::{live_audit, up, words};
use experiments::bench;
use servers::guard::Guard;
use terminal::output;
use topology::{Driver, ShopHandle};

/// What is asked for.
#[derive(Debug, Args)]
pub(super) struct Audit {
    /// Audit while the shops run, one line per second, instead of waiting until all orders are decided.
    #[arg(long)]
    live: bool,
    /// How long to watch; by default until Ctrl-C.
    #[arg(long = "for", value_name = "TIME", requires = "live", value_parser = length)]
    length: Option<Duration>,
    /// Audit this shop instead, which something else runs: its description as JSON, as in compose.yaml.
    #[arg(long, env = "AUDIT_SHOP", value_name = "JSON", hide_env_values = true, conflicts_with = "live",
          value_parser = shop)]
    shop: Option<ShopHandle>,
    #[command(flatten)]
    json: Json,
}

/// Audits, and prints the findings. Ctrl-C ends a live audit normally.
pub(super) async fn audit(asked: Audit, folder: &Path, interrupted: impl Future<Output = ()>) -> Result<u8> {
    let Audit { live, length, shop, json: Json { json } } = asked;
    let verdict = if live {
        let end = async {
            match length {
                Some(length) => {
                    tokio::select! { () = tokio::time::sleep(length) => {}, () = interrupted => {} }
                }
                None => interrupted.await,
            }
        };
        live_audit::run(folder, json.as_deref(), end).await?
    } else {
        tokio::select! {
            verdict = up::audit(folder, shop, json.as_deref()) => verdict?,
            () = interrupted => {
                terminal::note!("cleave: {}", words::interrupted());
                return Ok(super::COULD_NOT);
            }
        }
    };
    Ok(exit_status(verdict))
}

/// What is measured.
#[derive(Debug, Args)]
pub(super) struct BenchLiveAudit {
    /// Shops, e.g. monolith:two-phase or split:tcc.
    #[arg(long, value_delimiter = ',', default_value = "monolith,split", value_parser = driver)]
    modes: Vec<Driver>,
    /// Length of each turn.
    #[arg(long, default_value = "10s", value_parser = length)]
    duration: Duration,
    /// Number of concurrent clients.
    #[arg(long, default_value_t = 64, value_parser = whole(1..=1_000))]
    clients: u64,
    /// Number of turns without and with it, per shop.
    #[arg(long, default_value_t = 10, value_parser = whole(1..=100))]
    rounds: u64,
    /// Seed of the goods and the orders.
    #[arg(long, default_value_t = 1, value_parser = number)]
    seed: u64,
    #[command(flatten)]
    servers: ServerArgs,
    #[command(flatten)]
    json: Json,
}

/// Measures what the live audit costs.
pub(super) async fn bench(asked: BenchLiveAudit, folder: &Path) -> Result<u8> {
    let BenchLiveAudit { modes, duration, clients, rounds, seed, servers, json } = asked;
    let infra = servers.options();
    let options = bench::LiveAuditOptions { drivers: modes, duration, clients, rounds, seed, infra };
    let cost = bench::live_audit(&Guard::start()?, folder, &options).await?;
    output::figures(json.json.as_deref(), cost.table(), &cost)?;
    Ok(HELD)
}
