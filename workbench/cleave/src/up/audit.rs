//! `cleave audit`: the invariants of the running shops.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use audit::{Audit, Subject, Verdict};
use comfy_table::{ContentArrangement, Table, presets};
use report::{verdict_words, warnings};
use serde::Serialize;
use shop::drain;
use terminal::output;
use topology::{Driver, Mode, ShopHandle};

use crate::words;

/// How long `audit` waits for orders in progress.
const SETTLE: Duration = Duration::from_secs(10);
/// The width of a table if the output is not a terminal.
const WIDTH: u16 = 110;

/// The running shops, for the audit.
pub fn subjects(folder: &Path) -> Result<Vec<Subject>> {
    let state = control::running(folder)?;
    Ok(state.shops.into_iter().map(Subject::of).collect())
}

/// The JSON of `audit`.
#[derive(Serialize)]
struct Audited {
    schema: &'static str,
    verdict: Verdict,
    shops: Vec<AuditedShop>,
}

#[derive(Serialize)]
struct AuditedShop {
    mode: Mode,
    driver: Driver,
    audit: Vec<Audit>,
}

/// Audits a shop that something else runs, or those that run in this folder, once they have come to rest.
pub async fn audit(folder: &Path, shop: Option<ShopHandle>, json: Option<&str>) -> Result<Verdict> {
    let (handles, flaws) = match shop {
        Some(shop) => (vec![shop], Vec::new()),
        None => {
            let state = control::running(folder)?;
            (state.shops, state.flaws)
        }
    };
    let mut shops = Vec::new();
    for shop in &handles {
        if let Err(error) = drain(&shop.databases, shop.driver, SETTLE).await {
            terminal::note!("{error}");
        }
        let audit = audit::audit(&Subject::of(shop.clone())).await;
        let audit = audit.with_context(|| words::cannot_audit(shop.driver))?;
        shops.push(AuditedShop { mode: shop.driver.mode(), driver: shop.driver, audit });
    }
    let verdict = Verdict::of_all(shops.iter().flat_map(|shop| &shop.audit).map(|audit| audit.verdict));
    let audited = Audited { schema: "cleave.audit/1", verdict, shops };
    match json {
        Some(target) => output::json(target, &audited)?,
        None => {
            terminal::say_part!("{}", warnings(handles.iter().map(|shop| shop.driver), &flaws));
            terminal::say_part!("{}", audited.tables());
        }
    }
    Ok(verdict)
}

impl Audited {
    /// One table per shop, under its driver.
    fn tables(&self) -> String {
        self.shops.iter().map(|shop| format!("{}\n{}\n\n", shop.driver, shop.table())).collect()
    }
}

impl AuditedShop {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header([words::invariant(), words::verdict(), words::evidence()]);
        let width = table.width().unwrap_or(WIDTH);
        table.set_width(width);
        for audit in &self.audit {
            table.add_row([
                format!("{} {}", audit.invariant, audit.title),
                verdict_words(audit.verdict),
                audit.evidence.to_string(),
            ]);
        }
        table
    }
}
