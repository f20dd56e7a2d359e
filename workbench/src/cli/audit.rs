//! `cleave audit`: at rest, or live.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::{Json, exit_status, length};
use crate::{live_audit, up};

/// What is asked for.
#[derive(Debug, Args)]
pub(super) struct Audit {
    /// Look on while it runs, with a line a second, instead of waiting until all is decided.
    #[arg(long)]
    live: bool,
    /// How long to look on; until Ctrl-C if it is not said.
    #[arg(long = "for", value_name = "TIME", requires = "live", value_parser = length)]
    length: Option<Duration>,
    #[command(flatten)]
    json: Json,
}

/// Looks, and says what was found. A live audit that is interrupted has come to its end.
pub(super) async fn audit(asked: Audit, folder: &Path, interrupted: impl Future<Output = ()>) -> Result<u8> {
    let Audit { live, length, json: Json { json } } = asked;
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
            verdict = up::audit(folder, json.as_deref()) => verdict?,
            () = interrupted => {
                eprintln!("cleave: interrupted");
                return Ok(super::COULD_NOT);
            }
        }
    };
    Ok(exit_status(verdict))
}
