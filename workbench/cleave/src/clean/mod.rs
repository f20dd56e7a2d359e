//! `cleave clean`: what Cleave left on this machine and on the user's servers. It removes the requested items if they
//! are known to be Cleave's and are not in use.

use std::path::Path;

use anyhow::Result;
use clap::ValueEnum;
use comfy_table::{Table, presets};
use serde::Serialize;

use crate::words;
use servers::left::OpenPaths;
use servers::{containers, left, packages};
use shop::queues;
use terminal::output;

mod files;

/// A kind of item that Cleave leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Runs,
    Logs,
    // Data folders of private servers.
    Folders,
    Databases,
    Queues,
    Containers,
    Packages,
    // Everything but packages.
    All,
}

/// The options.
#[derive(Debug)]
pub struct Removal {
    /// The kinds to remove; if empty, nothing is removed.
    pub kinds: Vec<Kind>,
    /// The number of latest runs to keep.
    pub keep: usize,
    pub database_url: Option<String>,
    pub amqp_url: Option<String>,
}

/// An item that was found.
#[derive(Debug, Serialize)]
struct Item {
    kind: Kind,
    name: String,
    /// Its size; null if it is not known.
    bytes: Option<u64>,
    in_use: bool,
    removed: bool,
    /// Why it was not removed although that was requested.
    why_not: Option<String>,
}

/// The JSON output.
#[derive(Debug, Serialize)]
struct Document {
    schema: &'static str,
    items: Vec<Item>,
}

impl Removal {
    fn includes(&self, kind: Kind) -> bool {
        self.kinds.iter().any(|wanted| *wanted == kind || (*wanted == Kind::All && kind != Kind::Packages))
    }
}

impl Item {
    fn new(kind: Kind, name: impl ToString, bytes: Option<u64>, in_use: bool) -> Item {
        Item { kind, name: name.to_string(), bytes, in_use, removed: false, why_not: None }
    }

    /// Removes it unless it is in use.
    async fn remove(&mut self, removing: impl Future<Output = Result<()>>) {
        let removed = if self.in_use { Err(anyhow::anyhow!(words::in_use())) } else { removing.await };
        match removed {
            Ok(()) => self.removed = true,
            Err(why) => self.why_not = Some(format!("{why:#}")),
        }
    }
}

/// Lists the items, and removes the requested ones. Returns the exit status: 2 if something was not removed.
pub async fn run(folder: &Path, wanted: &Removal, json: Option<&str>) -> Result<u8> {
    let open = OpenPaths::look();
    let mut items = files::runs(folder, wanted, &open).await;
    items.extend(files::logs(folder, wanted, &open).await);
    items.extend(folders(wanted, &open).await);
    items.extend(databases(wanted).await?);
    items.extend(queues(wanted).await?);
    items.extend(containers(wanted).await?);
    items.extend(packages(wanted).await?);
    let document = Document { schema: "cleave.clean/1", items };
    match json {
        Some(target) => output::json(target, &document)?,
        None if document.items.is_empty() => terminal::say!("{}", words::nothing_left()),
        None => {
            terminal::say!("{}", document.table());
            if wanted.kinds.is_empty() {
                terminal::note!("{}", words::how_to_clean());
            }
        }
    }
    Ok(if document.items.iter().any(|item| item.why_not.is_some()) { 2 } else { 0 })
}

async fn folders(wanted: &Removal, open: &OpenPaths) -> Vec<Item> {
    let mut items = Vec::new();
    for folder in left::folders(open) {
        let size = left::size(&folder.path);
        let mut item = Item::new(Kind::Folders, folder.path.display(), Some(size), folder.in_use);
        if wanted.includes(Kind::Folders) {
            item.remove(async { left::remove_folder(&folder) }).await;
        }
        items.push(item);
    }
    items
}

async fn databases(wanted: &Removal) -> Result<Vec<Item>> {
    let Some(url) = &wanted.database_url else { return Ok(Vec::new()) };
    let mut items = Vec::new();
    for found in left::databases(url).await? {
        let mut item =
            Item::new(Kind::Databases, &found.name, Some(found.bytes.cast_unsigned()), found.sessions > 0);
        if wanted.includes(Kind::Databases) {
            item.remove(left::remove_database(url, &found.name)).await;
        }
        items.push(item);
    }
    Ok(items)
}

/// Queues are removed on the broker with the given URL, and otherwise only listed.
async fn queues(wanted: &Removal) -> Result<Vec<Item>> {
    let broker = wanted.amqp_url.as_deref().map(servers::shown).transpose()?;
    let mut items = Vec::new();
    for found in queues::left()? {
        let name = format!("{} ({})", found.namespace, found.broker);
        let mut item = Item::new(Kind::Queues, name, None, found.in_use());
        if let (true, Some(url)) = (broker.as_ref() == Some(&found.broker), &wanted.amqp_url)
            && wanted.includes(Kind::Queues)
        {
            item.remove(queues::delete(url, &found.namespace)).await;
        }
        items.push(item);
    }
    Ok(items)
}

async fn containers(wanted: &Removal) -> Result<Vec<Item>> {
    if containers::engine().await.is_err() {
        return Ok(Vec::new());
    }
    let mut items = Vec::new();
    for found in containers::left().await? {
        let mut item = Item::new(Kind::Containers, &found.container, None, found.in_use());
        if wanted.includes(Kind::Containers) {
            item.remove(containers::remove(&found.container)).await;
        }
        items.push(item);
    }
    Ok(items)
}

/// Packages are removed only if they are named: `all` does not include them.
async fn packages(wanted: &Removal) -> Result<Vec<Item>> {
    let in_use = packages::are_in_use();
    let mut items = Vec::new();
    for package in packages::installed()? {
        let name = format!("{} ({})", package.name, package.manager);
        let mut item = Item::new(Kind::Packages, name, None, in_use);
        if wanted.includes(Kind::Packages) {
            item.remove(async { servers::uninstall(&[package]) }).await;
        }
        items.push(item);
    }
    Ok(items)
}

impl Document {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
            words::kind(),
            words::name(),
            words::size(),
            words::state(),
        ]);
        for item in &self.items {
            let state = match &item.why_not {
                Some(why) => words::not_removed(why),
                None if item.removed => words::removed(),
                None if item.in_use => words::in_use(),
                None => words::unused(),
            };
            let size = item.bytes.map_or("–".to_owned(), |bytes| format!("{:.1} MB", bytes as f64 / 1e6));
            let kind =
                item.kind.to_possible_value().map_or_else(String::new, |kind| kind.get_name().to_owned());
            table.add_row([kind, item.name.clone(), size, state]);
        }
        table
    }
}
