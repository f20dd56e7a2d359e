//! The command line of `cleave fault` and `cleave heal`.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::values::{Json, driver, number};
use super::{HELD, USAGE};
use crate::{commands, words};
use control::{AddFault, Heal};
use topology::Driver;

/// What is asked for.
#[derive(Debug, Subcommand)]
pub(super) enum Fault {
    /// Inject a fault for a limited time.
    #[command(
        after_help = "Choose the target with --link, --process or --messages (a fault of a server needs none), and the \
        length with --for; --stream and --toxicity are for faults of a link. docs/faults.md lists the options of each kind."
    )]
    Add {
        /// Kind of fault: latency, kill, kill_database, duplicate …
        kind: String,
        /// Options of this kind, e.g. --latency 200ms.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "--NAME VALUE")]
        told: Vec<String>,
    },
    /// List faults, active and over, and what each hit.
    List {
        #[command(flatten)]
        json: Json,
    },
}

#[derive(Debug, Args)]
pub(super) struct HealFaults {
    /// Only the fault with this number; by default all.
    #[arg(value_parser = number)]
    id: Option<u64>,
    /// Only in this shop, e.g. split:tcc.
    #[arg(long, value_parser = driver)]
    shop: Option<Driver>,
    #[command(flatten)]
    json: Json,
}

pub(super) async fn fault(fault: Fault, folder: &Path) -> Result<u8> {
    match fault {
        Fault::List { json } => commands::list_faults(folder, json.json.as_deref()).await?,
        Fault::Add { kind, told } => match read(&kind, &told) {
            Ok((wanted, json)) => commands::add_fault(folder, &wanted, json.as_deref()).await?,
            Err(error) => {
                terminal::note!("cleave: {error:#}");
                return Ok(USAGE);
            }
        },
    }
    Ok(HELD)
}

pub(super) async fn heal(HealFaults { id, shop, json }: HealFaults, folder: &Path) -> Result<u8> {
    commands::heal(folder, &Heal { id, shop }, json.json.as_deref()).await?;
    Ok(HELD)
}

/// Reads the arguments of `fault add` as the same fault in a scenario. Also returns the target of the JSON output.
fn read(kind: &str, told: &[String]) -> Result<(AddFault, Option<String>)> {
    let mut fault = Map::from_iter([("kind".to_owned(), json!(kind))]);
    let mut attributes = Map::new();
    let (mut shop, mut to) = (None, None);
    let mut words = told.iter().peekable();
    while let Some(word) = words.next() {
        let name = word.strip_prefix("--").with_context(|| words::not_an_option(word))?;
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            // A negative number is a value; an option is not.
            None => (name, words.next_if(|next| !next.starts_with("--")).cloned()),
        };
        if name == "json" {
            to = Some(value.unwrap_or_else(|| "-".to_owned()));
            continue;
        }
        let value = value.with_context(|| words::needs_a_value(name))?;
        let figure = value.parse::<f64>().map_or(json!(value), |_| {
            serde_json::from_str(&value).unwrap_or_else(|_| Value::String(value.clone()))
        });
        match name {
            "shop" => shop = Some(driver(&value).map_err(anyhow::Error::msg)?),
            "link" | "process" | "messages" | "target" => {
                if fault.insert("target".into(), json!(value)).is_some() {
                    bail!(words::one_target(name));
                }
            }
            "for" => drop(fault.insert("for".into(), json!(value))),
            "stream" => drop(fault.insert("stream".into(), json!(value))),
            "toxicity" => drop(fault.insert("toxicity".into(), figure)),
            _ => drop(attributes.insert(name.to_owned(), figure)),
        }
    }
    fault.insert("attributes".into(), Value::Object(attributes));
    let fault = serde_json::from_value(Value::Object(fault))?;
    Ok((AddFault { fault, shop }, to))
}

#[cfg(test)]
mod tests {
    use terminal::language::{self, Language};

    use super::super::examples::EXAMPLES;
    use super::*;

    fn said(words: &str) -> Result<(AddFault, Option<String>)> {
        let mut words = words.split(' ').map(str::to_owned);
        let kind = words.next().unwrap();
        read(&kind, &words.collect::<Vec<_>>())
    }

    #[test]
    fn a_fault_is_said_as_it_is_written() {
        let (wanted, json) = said(
            "latency --link gateway-inventory --latency 200ms --jitter=5 --toxicity 0.5 --for 10s --json",
        )
        .unwrap();
        assert_eq!(wanted.fault.to_string(), {
            let written = r#"{"kind":"latency","target":"gateway-inventory","toxicity":0.5,
                "attributes":{"latency":200,"jitter":5},"for":"10s"}"#;
            serde_json::from_str::<faults::FaultSpec>(written).unwrap().to_string()
        });
        assert_eq!(wanted.fault.toxicity, 0.5);
        assert_eq!((json.as_deref(), wanted.shop), (Some("-"), None));
        assert!(said("kill --process orders --shop split:tcc").unwrap().0.shop.is_some());
        assert!(said("clock_skew --process orders --skew -500ms --for 2s").is_ok());
        assert!(said("kill_broker --for 2s").is_ok());
    }

    #[test]
    fn the_examples_of_help_are_faults() {
        let (_, examples) = EXAMPLES.iter().find(|(path, _)| *path == "fault add").unwrap();
        for (line, ..) in *examples {
            let words = line.strip_prefix("fault add ").unwrap();
            assert!(said(words).is_ok(), "{words}: {:#}", said(words).unwrap_err());
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_what_would_be_right() {
        for (words, right) in [
            ("fire --process orders", "latency"),
            ("latency --link gateway-nothing --latency 5", "gateway-inventory"),
            ("latency --link gateway-orders --latency -5", "latency"),
            ("latency --link gateway-orders --delay 5", "jitter"),
            ("kill --process nobody", "orders"),
            ("kill orders", "--NAME VALUE"),
            ("kill --process", "needs a value"),
            ("kill --process orders --process payments", "one target"),
            ("kill --process orders --for -2s", "2s"),
            ("kill --process orders --shop split:nothing", "tcc"),
        ] {
            let error = language::with(Language::English, || format!("{:#}", said(words).expect_err(words)));
            assert!(error.contains(right), "{words}: {error}");
        }
    }
}
