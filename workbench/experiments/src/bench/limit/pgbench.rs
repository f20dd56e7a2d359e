//! pgbench, PostgreSQL's own load generator, with a plain checkout on the tables of a monolith.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Url;
use tokio::process::Command;

use load::mix::ZIPF_EXPONENT;
use servers::PostgresPrograms;
use shop::Shop;
use shop::seed::{CUSTOMERS, POOR, PRODUCTS, SOLD_OUT};

use crate::words;

/// The checkout that it runs.
const SCRIPT: &str = include_str!("checkout.sql");
/// As many sessions as the monolith's pool has. With more, both wait for their own locks on the popular rows.
pub(super) const SESSIONS: usize = 8;

/// Runs pgbench on the shop's database for this time. Returns checkouts per second.
pub(super) async fn checkouts_per_s(shop: &Shop, length: Duration) -> Result<f64> {
    let program = PostgresPrograms::find().and_then(|programs| programs.pgbench());
    let program = program.with_context(words::no_pgbench)?;
    let script = tempfile::NamedTempFile::new()?;
    std::fs::write(script.path(), SCRIPT)?;
    let url = Url::parse(&shop.databases.orders)?;
    let output = Command::new(program)
        .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
        .arg(format!("--client={SESSIONS}"))
        .arg(format!("--time={}", length.as_secs_f64().ceil()))
        .arg(format!("--define=products={}", PRODUCTS - SOLD_OUT))
        .arg(format!("--define=customers={}", CUSTOMERS - POOR))
        .arg(format!("--define=exponent={ZIPF_EXPONENT}"))
        .arg("--file")
        .arg(script.path())
        // In the environment, because every user of the machine can read a command line.
        .env("PGHOST", url.host_str().unwrap_or_default())
        .env("PGPORT", url.port().unwrap_or(5432).to_string())
        .env("PGUSER", url.username())
        .env("PGPASSWORD", url.password().unwrap_or_default())
        .env("PGDATABASE", url.path().trim_start_matches('/'))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .with_context(|| words::cannot_run("pgbench"))?;
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!(words::program_failed("pgbench", complained.trim()));
    }
    per_second(&said).with_context(|| words::no_speed(said.trim()))
}

/// From `tps = 2345.678 (without initial connection time)`.
fn per_second(said: &str) -> Option<f64> {
    said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pgbench_is_understood() {
        let said = "number of failed transactions: 0 (0.000%)\ntps = 2345.678901 (without initial connection time)\n";
        assert_eq!(per_second(said), Some(2345.678901));
        assert_eq!(per_second("tps = \n"), None);
    }

    #[test]
    fn the_script_has_twelve_statements() {
        let statements = SCRIPT.lines().filter(|line| !line.starts_with("--") && !line.starts_with("\\set"));
        let ends = statements.filter(|line| line.ends_with(';') || line.ends_with("\\gset")).count();
        assert_eq!(ends, 12);
    }
}
