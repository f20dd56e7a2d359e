//! `cleave scale` and `cleave deploy`.

use std::path::Path;

use anyhow::Result;

use super::{Deploy, Deployed, Scale, Scaled};
use crate::{output, up};

/// Has the instances of a service made as many as wanted, and tells which there are.
pub async fn scale(folder: &Path, to: &Scale, json: Option<&str>) -> Result<()> {
    let all: Vec<Scaled> = up::control(folder)?.post("/scale", to).await?;
    if let Some(target) = json {
        return output::json(target, &all);
    }
    for Scaled { shop, instances } in all {
        println!("{shop}: {}", instances.join(", "));
    }
    Ok(())
}

/// Has every instance of a service replaced, and tells how long each took.
pub async fn deploy(folder: &Path, service: String, json: Option<&str>) -> Result<()> {
    let all: Vec<Deployed> = up::control(folder)?.post("/deploy", &Deploy { service }).await?;
    if let Some(target) = json {
        return output::json(target, &all);
    }
    for Deployed { shop, deployment } in all {
        for one in &deployment.replacements {
            println!(
                "{shop}: {} for {}: ready after {:.0} ms, the old one gone {:.0} ms later",
                one.new, one.old, one.ready_ms, one.drained_ms
            );
        }
        println!("{shop}: {} deployed in {:.0} ms", deployment.service, deployment.took_ms);
    }
    Ok(())
}
