//! A one-minute version of `cleave soak`: faults of every kind while orders arrive, and then the audit.

use anyhow::{Result, ensure};
use tests::{Driver, Stage};

use audit::Verdict;
use experiments::soak::{self, SoakOptions};

use crate::docs;

pub const ORDERS: u64 = 600;
pub const FAULTS: usize = 10;

pub async fn orders_live_through_faults_of_every_sort(stage: &Stage) -> Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let options = SoakOptions {
        drivers: vec![Driver::Orchestrated],
        orders: ORDERS,
        faults: FAULTS,
        seed: 3,
        infra: servers::ServerOptions::default(),
    };
    let soak = soak::run(stage.guard().await?, folder.path(), &options).await?;

    docs::fits(&serde_json::to_value(&soak)?, "soak.schema.json")?;
    let [shop] = &soak.shops[..] else { anyhow::bail!("{} shops", soak.shops.len()) };
    let text = soak::table(&soak);
    ensure!(shop.orders.wanted == options.orders, "{text}");
    ensure!(shop.orders.lost + shop.orders.doubled == 0, "{text}");
    ensure!(shop.decided >= 0.95, "{text}");
    ensure!(shop.audit.iter().all(|audit| audit.verdict == Verdict::Held), "{text}");
    ensure!(shop.faults.len() + shop.not_made.len() >= FAULTS, "{text}");
    // A fault may come while its process is down, and affect nothing.
    let fired = shop.faults.iter().filter(|record| record.hits > 0).count();
    ensure!(fired + 2 >= FAULTS, "only {fired} of {FAULTS} fired\n{text}");
    // So few faults prove nothing about any kind, and the verdict must say so.
    ensure!(shop.verdict == Verdict::NoEvidence, "{text}");
    Ok(None)
}
