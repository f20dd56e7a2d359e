//! `cleave in-doubt`.

use std::path::Path;

use crate::words;
use anyhow::{Context, Result};
use terminal::output;

/// Lists transactions in doubt in these databases, or in those of the running shops, and resolves them if requested.
/// Returns the exit status: 0 if none is in doubt (any more), 1 otherwise.
pub async fn run(folder: &Path, urls: &[String], resolve: bool, json: Option<&str>) -> Result<u8> {
    let of_what_is_up;
    let urls = if urls.is_empty() {
        of_what_is_up = control::databases(folder)?.with_context(words::nothing_to_look_at)?;
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
