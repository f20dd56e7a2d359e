//! `cleave scale`, `deploy`, `set`, `fault` and `heal`; and `model`, which is a program of its own.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use control::{AddFault, Added, Deploy, Deployed, FaultLog, Heal, Scale, Scaled, Set, ShopSettings, served};
use terminal::output;

/// Has the instances of a service made as many as wanted, and tells which there are.
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

/// Figures of each shop, as programs read them.
#[derive(Debug, Serialize)]
struct Document<'a, T> {
    schema: &'static str,
    shops: &'a [T],
}

/// Has every instance of a service replaced, and tells how long each took and what customers met meanwhile.
pub async fn deploy(folder: &Path, service: String, json: Option<&str>) -> Result<()> {
    let all: Vec<Deployed> = control::client(folder)?.post("/deploy", &Deploy { service }).await?;
    if let Some(target) = json {
        return output::json(target, &Document { schema: "cleave.deploy/1", shops: &all });
    }
    for Deployed { shop, deployment, served } in all {
        for one in &deployment.replacements {
            terminal::say!(
                "{shop}: {} for {}: ready after {:.0} ms, the old one gone {:.0} ms later",
                one.new,
                one.old,
                one.ready_ms,
                one.drained_ms
            );
        }
        terminal::say!("{shop}: {} deployed in {:.0} ms", deployment.service, deployment.took_ms);
        terminal::say!("{shop}: {}", served::told(served.as_ref()));
    }
    Ok(())
}

/// Sets a setting, or nothing, and tells what all of them are.
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
    table.set_header(["shop", "setting", "value", "from–to", ""]);
    for ShopSettings { shop, settings } in all {
        for (name, state) in settings {
            let bounds = format!("{}–{}", state.least, state.most);
            table.add_row([shop.to_string(), name, state.value.to_string(), bounds, state.what]);
        }
    }
    terminal::say!("{table}");
    Ok(())
}

/// Has something disturbed, and tells where it was done, and where it cannot be and why.
pub async fn add_fault(folder: &Path, fault: &AddFault, json: Option<&str>) -> Result<()> {
    let all: Vec<Added> = control::client(folder)?.post("/faults", fault).await?;
    if let Some(target) = json {
        return output::json(target, &all);
    }
    for Added { shop, id, why_not } in all {
        match id {
            Some(id) => terminal::say!("{shop}: fault {id}, {}; heals by itself", fault.fault),
            None => terminal::say!("{shop}: not done: {}", why_not.unwrap_or_default()),
        }
    }
    Ok(())
}

/// Tells which faults there are and were, and what each hit.
pub async fn list_faults(folder: &Path, json: Option<&str>) -> Result<()> {
    tell(&control::client(folder)?.get::<Vec<FaultLog>>("/faults").await?, json)
}

/// Ends faults before their time, and tells what each hit.
pub async fn heal(folder: &Path, heal: &Heal, json: Option<&str>) -> Result<()> {
    tell(&control::client(folder)?.post::<Vec<FaultLog>>("/heal", heal).await?, json)
}

/// Tells what became of faults.
pub fn tell(logs: &[FaultLog], json: Option<&str>) -> Result<()> {
    if let Some(target) = json {
        return output::json(target, &Document { schema: "cleave.faults/1", shops: logs });
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(["shop", "id", "fault", "", "hit"]);
    for log in logs {
        for record in &log.faults {
            let state = match (&record.problem, record.ended) {
                (Some(problem), _) => format!("cannot be healed: {problem}"),
                (None, Some(_)) => "over".to_owned(),
                (None, None) => "there".to_owned(),
            };
            // A fault that met nothing has shown nothing.
            let hit = match (record.hits, record.hit.as_str()) {
                (0, _) => "nothing".to_owned(),
                // What it was is only known in the end.
                (hits, "") => format!("{hits} so far"),
                (hits, what) => format!("{hits} {what}"),
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
        terminal::say!("there are no faults");
    } else {
        terminal::say!("{table}");
    }
    Ok(())
}

/// Becomes the model checker, which is built first where it is not there yet. Returns only if that fails.
pub fn model(arguments: &[OsString]) -> Result<u8> {
    const PROGRAM: &str = "cleave-models";
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = runtime.block_on(servers::binaries::ensure_built(&[PROGRAM]))?;
    let why = Command::new(folder.join(PROGRAM)).args(arguments).exec();
    Err(why).with_context(|| format!("cannot run {PROGRAM}"))
}
