//! The API description is served and correct. Every case of this suite also checks its responses against it.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use anyhow::{Result, ensure};
use tests::{Body, World};

use crate::docs::checkout;

pub async fn every_path_answers(world: &World) -> Result<()> {
    let operations = world.description.operations();
    ensure!(operations.len() >= 14, "only {} operations are described", operations.len());
    for (method, template) in operations {
        let path = template.replace("{order_id}", "00000000-0000-0000-0000-000000000000");
        let path = path.replace("{sku}", "none").replace("{customer_id}", "none");
        let answer = world.send(&method.to_uppercase(), &path, &[], Body::None).await?;
        ensure!(
            answer.json["code"] != "no_such_route",
            "{method} {template} is described, but does not exist"
        );
    }
    Ok(())
}

pub async fn the_pages_are_served(world: &World) -> Result<()> {
    let described = world.get("/openapi.json").await?.expect(200)?;
    ensure!(described.json["openapi"] == "3.1.0", "{}", described.json["openapi"]);
    let page = world.get("/docs/").await?.expect(200)?;
    ensure!(page.header("content-type") == "text/html; charset=utf-8", "{}", page.header("content-type"));
    ensure!(page.text.contains("/openapi.json"), "the page does not read the description: {}", page.text);
    let elsewhere = ["https://", "http://", "src=", "import "].iter().find(|way| page.text.contains(**way));
    ensure!(elsewhere.is_none(), "the page needs the network: {elsewhere:?}");
    Ok(())
}

pub async fn health_is_told(world: &World) -> Result<()> {
    ensure!(world.get("/health/live").await?.expect(200)?.json["status"] == "live");
    let ready = world.get("/health/ready").await?.expect(200)?.json;
    ensure!(ready["status"] == "ready", "{ready}");
    Ok(())
}

/// `.ci/api-check/run` needs Python. Without it nothing is checked, which is an error in CI and is said elsewhere.
pub fn a_check_that_is_left_out_says_so() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let python = folder.path().join("python3");
    std::fs::write(&python, "#!/bin/sh\nexit 1\n")?;
    std::fs::set_permissions(&python, PermissionsExt::from_mode(0o755))?;
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH")?);
    for (ci, code, words) in [(Some("true"), 1, "CI is set"), (None, 0, "SKIPPED")] {
        let mut check = Command::new(checkout().join(".ci/api-check/run"));
        check.env("PATH", &path).env_remove("CI").envs(ci.map(|ci| ("CI", ci)));
        let output = check.output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.code() == Some(code), "with CI={ci:?} it ended with {}: {said}", output.status);
        ensure!(
            said.contains(words) && said.contains("nothing was checked") && said.contains("Python 3.10"),
            "CI={ci:?}: {said}"
        );
    }
    Ok(())
}
