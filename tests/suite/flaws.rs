//! Each rule that can be left out is left out. The named invariant must break then; without the flaw the same
//! disturbance must do no harm. This shows that the suite would notice if the rule were broken for good.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use experiments::flaws::{Document, FLAWS, Flaw, Lab, SCHEMA, SoundShops, shown};
use tempfile::TempDir;
use tests::Stage;

use crate::docs;

/// The workbench has its own list of names, which must match the programs'.
pub fn the_workbench_knows_every_flaw() -> Result<()> {
    use clap::ValueEnum;
    let of_the_programs: BTreeSet<String> =
        platform::Flaw::value_variants().iter().map(|flaw| flaw.name()).collect();
    let of_the_workbench: BTreeSet<String> = FLAWS.iter().map(|flaw| flaw.name.to_owned()).collect();
    ensure!(of_the_programs == of_the_workbench, "{of_the_programs:?}\n{of_the_workbench:?}");
    docs::fits(&serde_json::to_value(Document::of_all())?, "flaws.schema.json")
}

/// What the cases share.
pub struct Experiments {
    sound: SoundShops,
    logs: TempDir,
}

impl Experiments {
    /// Starts nothing yet; the first case does.
    pub fn new() -> Result<Experiments> {
        Ok(Experiments { sound: SoundShops::default(), logs: tempfile::tempdir()? })
    }

    /// Shows one flaw, on a shop without it and on a shop with it.
    pub async fn catch(&self, stage: &Stage, flaw: &Flaw) -> Result<()> {
        let (guard, infra) = (stage.guard().await?, stage.infrastructure().await?);
        let (programs, logs) = (stage.programs().await?, self.logs.path());
        let entry = Lab { guard, infra, programs, logs, sound: &self.sound }.try_out(flaw).await?;
        ensure!(entry.is_caught(), "{}", shown(&entry));
        let document = Document { schema: SCHEMA.to_owned(), flaws: vec![entry] };
        docs::fits(&serde_json::to_value(document)?, "flaws.schema.json")
    }
}
