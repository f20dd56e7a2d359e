//! `cleave in-doubt`.

use std::path::Path;

use anyhow::{Context, Result};
use terminal::output;

/// Tells what is in doubt in these databases, or in those of what is up; resolves it if asked to. Answers the exit
/// status: 0 nothing is in doubt (any more), 1 something is.
pub async fn run(folder: &Path, urls: &[String], resolve: bool, json: Option<&str>) -> Result<u8> {
    let of_what_is_up;
    let urls = if urls.is_empty() {
        of_what_is_up = control::databases(folder)?.context(
            "nothing is running to be looked at; start a shop with `cleave up`, or name its databases with \
             --database-url",
        )?;
        &of_what_is_up
    } else {
        urls
    };
    let found = if resolve { in_doubt::resolve(urls).await? } else { in_doubt::look(urls).await? };
    match json {
        Some(target) => output::json(target, &found)?,
        None => terminal::say_part!("{}", found.text()),
    }
    Ok(u8::from(!found.is_settled()))
}
