//! The page: its template, styles, scripts and texts.
//!
//! The scripts are plain files without a build step. They share one scope, in which each is one name, and are loaded in
//! the order of [`SCRIPTS`]. So the same files make up both the served page and the single-file export.

pub mod words;

use anyhow::Result;
use askama::Template;
use serde_json::Value;

/// A file that the page loads.
#[derive(Debug, Clone, Copy)]
pub struct Asset {
    /// Its name, below `/assets/`.
    pub name: &'static str,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub text: &'static str,
}

macro_rules! assets {
    ($media_type:literal: $($name:literal),* $(,)?) => {
        &[$(Asset { name: $name, media_type: $media_type, text: include_str!(concat!("assets/", $name)) }),*]
    };
}

/// The styles.
pub static STYLES: &[Asset] = assets!["text/css; charset=utf-8": "page.css", "views.css"];

/// The scripts, each after those that it depends on.
pub static SCRIPTS: &[Asset] = assets![
    "text/javascript; charset=utf-8":
    "store.js", "elements.js", "words.js", "numbers.js", "server.js", "samples.js", "chart.js", "charts.js",
    "invariants.js", "map.js", "costs.js", "tax.js", "controls.js", "story.js", "player.js", "feed.js", "keyboard.js", "page.js",
];

/// The file with this name.
pub fn asset(name: &str) -> Option<&'static Asset> {
    STYLES.iter().chain(SCRIPTS).find(|asset| asset.name == name)
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct Page {
    styles: Vec<&'static str>,
    scripts: Vec<&'static str>,
    words: String,
    bundle: Option<Bundle>,
}

/// The data of a single-file page.
struct Bundle {
    css: String,
    js: String,
    recording: String,
    stories: String,
}

/// The served page. It is the same at every address: the scripts select what is shown.
pub fn html() -> Result<String> {
    let names = |assets: &[Asset]| assets.iter().map(|asset| asset.name).collect();
    Ok(Page {
        styles: names(STYLES),
        scripts: names(SCRIPTS),
        words: data(&words::json().to_string()),
        bundle: None,
    }
    .render()?)
}

/// A self-contained page that plays this recording (a [`super::sample::Header`] and samples, one per line) and shows
/// these stories.
pub fn standing_alone(recording: &str, stories: &Value) -> Result<String> {
    let joined = |assets: &[Asset]| assets.iter().map(|asset| asset.text).collect::<Vec<_>>().join("\n");
    let bundle = Bundle {
        css: joined(STYLES),
        js: joined(SCRIPTS),
        recording: data(recording),
        stories: data(&stories.to_string()),
    };
    let words = data(&words::json().to_string());
    Ok(Page { styles: Vec::new(), scripts: Vec::new(), words, bundle: Some(bundle) }.render()?)
}

/// Escapes JSON for a `script` element, so that a text in it cannot end the element. In JSON `<` occurs only in texts,
/// where it may be written as an escape.
fn data(json: &str) -> String {
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests;
