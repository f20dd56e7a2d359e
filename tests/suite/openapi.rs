//! The API description is served and correct. Every case of this suite also checks its responses against it.

use anyhow::{Result, ensure};
use tests::{Body, World};

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
