//! `cleave logs`: the logs of all processes as one stream.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::words;
use terminal::say;

/// The interval for reading new lines.
const TICK: Duration = Duration::from_millis(200);
/// Colours to tell processes apart at a terminal, in addition to their names.
const COLOURS: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// Which lines to print.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// Only processes whose names begin with this; all if `None`.
    pub process: Option<String>,
    /// Only lines that mention this order.
    pub order: Option<String>,
    /// Whether to wait for new lines and print them.
    pub follow: bool,
}

/// One line of a log.
#[derive(Debug)]
struct Line {
    at: Option<DateTime<Utc>>,
    shop: String,
    process: String,
    text: String,
}

/// How far the file of one process has been read.
#[derive(Debug)]
struct Tail {
    shop: String,
    process: String,
    path: PathBuf,
    read: u64,
    /// The beginning of a line that is not complete yet.
    rest: String,
}

/// Prints the logs in this folder, the oldest line first: JSON lines, or coloured text at a terminal.
pub async fn run(folder: &Path, wanted: &LogQuery) -> Result<()> {
    let mut tails: BTreeMap<PathBuf, Tail> = BTreeMap::new();
    let at_terminal = std::io::stdout().is_terminal();
    loop {
        find(folder, &mut tails)?;
        if tails.is_empty() {
            bail!(words::no_logs(folder.display()));
        }
        let known: Vec<String> = tails.values().map(|tail| tail.process.clone()).collect();
        check(wanted, &known)?;
        let mut lines = Vec::new();
        for tail in tails.values_mut() {
            lines.extend(tail.read()?.into_iter().filter(|line| wanted.holds(line)));
        }
        // Lines without a time, such as those of a panic, stay behind the line before them.
        lines.sort_by_key(|line| line.at);
        for line in lines {
            let printed = if at_terminal { line.coloured() } else { line.json().to_string() };
            terminal::say!("{printed}");
            if !say::is_heard() {
                // The reader has closed the pipe, as `head` does, or the disk is full.
                return Ok(());
            }
        }
        if !wanted.follow {
            return Ok(());
        }
        tokio::time::sleep(TICK).await;
    }
}

fn check(wanted: &LogQuery, known: &[String]) -> Result<()> {
    let Some(name) = &wanted.process else { return Ok(()) };
    if !known.iter().any(|process| process.starts_with(name)) {
        bail!(words::no_such_process(name, known.join(", ")));
    }
    Ok(())
}

/// Adds new files: a scaled shop has new processes.
fn find(folder: &Path, tails: &mut BTreeMap<PathBuf, Tail>) -> Result<()> {
    let Ok(shops) = std::fs::read_dir(folder) else { return Ok(()) };
    for shop in shops.filter_map(Result::ok).filter(|shop| shop.path().is_dir()) {
        for file in std::fs::read_dir(shop.path())?.filter_map(Result::ok) {
            let path = file.path();
            if path.extension().is_none_or(|extension| extension != "log") || tails.contains_key(&path) {
                continue;
            }
            let process = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let shop = shop.file_name().to_string_lossy().into_owned();
            tails.insert(path.clone(), Tail { shop, process, path, read: 0, rest: String::new() });
        }
    }
    Ok(())
}

impl Tail {
    fn read(&mut self) -> Result<Vec<Line>> {
        let mut file = File::open(&self.path).with_context(|| words::cannot_read(self.path.display()))?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut bytes = Vec::new();
        self.read += file.read_to_end(&mut bytes)? as u64;
        self.rest.push_str(&String::from_utf8_lossy(&bytes));
        let whole = self.rest.rfind('\n').map_or(0, |end| end + 1);
        let text: String = self.rest.drain(..whole).collect();
        let mut last = None;
        let lines = text.lines().map(|text| {
            let at = serde_json::from_str::<Value>(text).ok().and_then(|value| moment(&value));
            last = at.or(last);
            Line { at: last, shop: self.shop.clone(), process: self.process.clone(), text: text.to_owned() }
        });
        Ok(lines.collect())
    }
}

fn moment(line: &Value) -> Option<DateTime<Utc>> {
    line["timestamp"].as_str()?.parse().ok()
}

impl LogQuery {
    fn holds(&self, line: &Line) -> bool {
        let of_process = self.process.as_ref().is_none_or(|name| {
            // The supervisor's lines name the process that they concern.
            line.process.starts_with(name) || line.text.contains(&format!("\"process\":\"{name}"))
        });
        of_process && self.order.as_ref().is_none_or(|order| line.text.contains(order))
    }
}

impl Line {
    /// The line as it was written, with its process and shop.
    fn json(&self) -> Value {
        let mut value = serde_json::from_str::<Value>(&self.text)
            .ok()
            .filter(Value::is_object)
            .unwrap_or_else(|| json!({ "message": self.text }));
        value["log"] = json!(format!("{}/{}", self.shop, self.process));
        value
    }

    fn coloured(&self) -> String {
        let colour = self.process.bytes().map(usize::from).sum::<usize>() % COLOURS.len();
        let name = format!("{}/{}", self.shop, self.process);
        format!("\x1b[{}m{name:<30}\x1b[0m {}", COLOURS[colour], self.words())
    }

    /// The time, level and message, followed by the other fields.
    fn words(&self) -> String {
        let Ok(Value::Object(mut fields)) = serde_json::from_str::<Value>(&self.text) else {
            return self.text.clone();
        };
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => text,
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let at = take("timestamp");
        let (level, message, _) = (take("level"), take("message"), take("target"));
        let rest: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{} {level:<5} {message} {}", at.get(11..23).unwrap_or(&at), rest.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_of_all_processes_come_in_the_order_of_time() {
        let folder = tempfile::tempdir().unwrap();
        let shop = folder.path().join("split-tcc");
        std::fs::create_dir(&shop).unwrap();
        let line = |second: u32, message: &str| {
            format!(
                "{{\"timestamp\":\"2026-01-01T00:00:{second:02}Z\",\"level\":\"INFO\",\"message\":\"{message}\"}}\n"
            )
        };
        std::fs::write(shop.join("orders.log"), line(1, "a") + "no json\n" + &line(4, "d") + "half a li")
            .unwrap();
        std::fs::write(shop.join("payments.log"), line(2, "b order-7")).unwrap();
        let mut tails = BTreeMap::new();
        find(folder.path(), &mut tails).unwrap();
        assert_eq!(tails.len(), 2);
        let mut lines: Vec<Line> = tails.values_mut().flat_map(|tail| tail.read().unwrap()).collect();
        lines.sort_by_key(|line| line.at);
        let words: Vec<String> =
            lines.iter().map(|line| line.json()["message"].as_str().unwrap().to_owned()).collect();
        assert_eq!(words, ["a", "no json", "b order-7", "d"]);
        let of_order = LogQuery { order: Some("order-7".into()), ..LogQuery::default() };
        assert_eq!(lines.iter().filter(|line| of_order.holds(line)).count(), 1);
        let of_payments = LogQuery { process: Some("pay".into()), ..LogQuery::default() };
        assert_eq!(lines.iter().filter(|line| of_payments.holds(line)).count(), 1);
        assert!(
            check(&LogQuery { process: Some("absent".into()), ..LogQuery::default() }, &["orders".into()])
                .is_err()
        );

        // Lines that are written later are read later, and an incomplete line is joined with its rest.
        let mut file = File::options().append(true).open(shop.join("orders.log")).unwrap();
        file.write_all(b"ne\n").unwrap();
        let later: Vec<Line> = tails.values_mut().flat_map(|tail| tail.read().unwrap()).collect();
        assert_eq!(later.len(), 1);
        assert_eq!(later[0].text, "half a line");
    }
}
