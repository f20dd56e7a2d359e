//! `cleave scale`, `deploy`, `set`, `fault` and `heal`, and `model`, which is a separate program.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use crate::words;
use control::{AddFault, Added, Deploy, Deployed, FaultLog, Heal, Scale, Scaled, Set, ShopSettings, served};
use terminal::{language, output};

/// Changes the number of instances of a service, and lists them.
pub async fn scale(folder: &Path, to: &Scale, json: Option<&str>) -> Result<()> {
    let all: Vec<Scaled> = control::client(folder)?.post("/scale", to).await?;
    if let Some(target) = json {
        return output::json(target, &all);
    }
    for Scaled { shop, instances } in all {
        terminal::say!("{shop}: {}", instances.join(", "));
    }
    Ok(())
}

/// The figures of each shop, as JSON.
#[derive(Debug, Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    shops: &'a [T],
}

/// Replaces every instance of a service. Prints how long each took and which requests failed meanwhile.
pub async fn deploy(folder: &Path, service: String, json: Option<&str>) -> Result<()> {
    let all: Vec<Deployed> = control::client(folder)?.post("/deploy", &Deploy { service }).await?;
    if let Some(target) = json {
        return output::json(target, &Document { schema: "cleave.deploy/1", shops: &all });
    }
    for Deployed { shop, deployment, served } in all {
        for one in &deployment.replacements {
            let (ready_ms, drained_ms) = (one.ready_ms.round(), one.drained_ms.round());
            terminal::say!("{}", words::replaced(shop, &one.new, &one.old, ready_ms, drained_ms));
        }
        let took_ms = deployment.took_ms.round();
        terminal::say!("{}", words::deployed(shop, &deployment.service, took_ms));
        terminal::say!("{shop}: {}", served::told(served.as_ref()));
    }
    Ok(())
}

/// Changes a setting, if one is given, and lists all settings.
pub async fn set(folder: &Path, wanted: Option<&Set>, json: Option<&str>) -> Result<()> {
    let client = control::client(folder)?;
    let all: Vec<ShopSettings> = match wanted {
        Some(wanted) => client.post("/settings", wanted).await?,
        None => client.get("/settings").await?,
    };
    if let Some(target) = json {
        return output::json(target, &all);
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header([words::shop(), words::setting(), words::value(), words::from_to(), String::new()]);
    for ShopSettings { shop, settings } in all {
        for (name, state) in settings {
            let bounds = format!("{}–{}", state.least, state.most);
            let meaning = words::meaning(&name, state.what);
            table.add_row([shop.to_string(), name, state.value.to_string(), bounds, meaning]);
        }
    }
    terminal::say!("{table}");
    Ok(())
}

/// Adds a fault to each shop, and prints where that is not possible and why.
pub async fn add_fault(folder: &Path, fault: &AddFault, json: Option<&str>) -> Result<()> {
    let all: Vec<Added> = control::client(folder)?.post("/faults", fault).await?;
    if let Some(target) = json {
        return output::json(target, &all);
    }
    for Added { shop, id, why_not } in all {
        match id {
            Some(id) => terminal::say!("{}", words::fault_added(shop, id, &fault.fault)),
            None => terminal::say!("{}", words::fault_not_added(shop, why_not.unwrap_or_default())),
        }
    }
    Ok(())
}

/// Lists faults, active and over, and what each hit.
pub async fn list_faults(folder: &Path, json: Option<&str>) -> Result<()> {
    tell(&fault_client(folder, json)?.get::<Vec<FaultLog>>("/faults").await?, json)
}

/// Ends faults early, and lists what each hit.
pub async fn heal(folder: &Path, heal: &Heal, json: Option<&str>) -> Result<()> {
    tell(&fault_client(folder, json)?.post::<Vec<FaultLog>>("/heal", heal).await?, json)
}

/// A client that asks for texts in the user's language, or in English for JSON.
fn fault_client(folder: &Path, json: Option<&str>) -> Result<control::Client> {
    let client = control::client(folder)?;
    Ok(if json.is_some() { client.in_english() } else { client })
}

/// Prints faults with their hits.
pub fn tell(logs: &[FaultLog], json: Option<&str>) -> Result<()> {
    if let Some(target) = json {
        return output::json(target, &Document { schema: "cleave.faults/1", shops: logs });
    }
    let mut table = Table::new();
    let header = [words::shop(), words::id(), words::fault(), words::state(), words::hit()];
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    for log in logs {
        for record in &log.faults {
            let state = match (&record.problem, record.ended) {
                (Some(problem), _) => words::cannot_heal(problem),
                (None, Some(_)) => words::over(),
                (None, None) => words::active(),
            };
            // A fault without hits has shown nothing.
            let hit = match (record.hits, record.hit.shown()) {
                (0, _) => words::hit_nothing(),
                // Only the end shows what it hit.
                (hits, "") => words::hit_so_far(hits),
                (_, what) => what.to_owned(),
            };
            table.add_row([
                log.shop.to_string(),
                record.id.to_string(),
                record.fault.to_string(),
                state,
                hit,
            ]);
        }
    }
    if table.is_empty() {
        terminal::say!("{}", words::no_faults());
    } else {
        terminal::say!("{table}");
    }
    Ok(())
}

/// Replaces this process by the model checker, which is built first if it is missing. Returns only if that fails.
pub fn model(arguments: &[OsString]) -> Result<u8> {
    const PROGRAM: &str = "cleave-models";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = runtime.block_on(servers::binaries::ensure_built(&[PROGRAM]))?;
    let why = Command::new(folder.join(PROGRAM)).args(arguments).envs([language::passed_on()]).exec();
    Err(why).with_context(|| words::cannot_run(PROGRAM))
}
