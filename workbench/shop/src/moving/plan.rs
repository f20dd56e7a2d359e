//! What it would take to move a module, and what it would cost from then on.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::{Side, after_move, movable};
use crate::supervisor::Supervisor;
use topology::{Away, Driver};

/// A plan, computed without changing anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The module.
    pub module: String,
    /// The shop now.
    pub from: Driver,
    /// The shop after the move; the module leaves if it is at home, and comes home otherwise.
    pub to: Driver,
    /// Rows to copy.
    pub rows: u64,
    /// Their size on disk with indexes, in bytes.
    pub bytes: u64,
    /// Messages of a confirmed order before and after.
    pub messages: [u64; 2],
    /// Databases in which a confirmed order is written, before and after: between them it is inconsistent for a moment.
    pub databases: [u64; 2],
    /// Transactions of a confirmed order before and after.
    pub transactions: [u64; 2],
}

impl Supervisor {
    /// What a move of this module would take.
    pub async fn plan(&self, module: &str) -> Result<Plan> {
        let module = movable(module)?;
        let (from, url) = {
            let shop = self.shop().await;
            (shop.driver, shop.databases.of(module).to_owned())
        };
        let away = match from {
            Driver::Hybrid(away) => away,
            _ => Away::default(),
        };
        let after = away.with(module, !away.has(module));
        let to = after_move(from, module, !away.has(module));
        let (rows, bytes) = Side::open(&url).await?.size(module).await?;
        let both = |of: fn(u64) -> u64| [away, after].map(|away| of(away.modules().len() as u64));
        Ok(Plan {
            module: module.to_owned(),
            from,
            to,
            rows,
            bytes,
            // A command and its reply for each step that is not at home.
            messages: both(|away| 2 * away),
            databases: both(|away| 1 + away),
            // One to place the order, one for each command and one for each reply.
            transactions: both(|away| 1 + 2 * away),
        })
    }
}
