//! The command line of `cleave model`.

use std::net::SocketAddr;

use clap::Parser;

use crate::explore;
use crate::protocol::{Flaw, Name};

/// Check a model of a protocol in every order of steps, within bounds
#[derive(Debug, Parser)]
#[command(name = "cleave model", bin_name = format!("{} model", terminal::program()), version)]
pub(crate) struct Arguments {
    /// The protocol.
    pub(crate) name: Name,
    /// Leave out a rule, and show the shortest path to the violation that it prevents.
    #[arg(long)]
    pub(crate) flaw: Option<Flaw>,
    /// Serve stateright's explorer on this loopback address until Ctrl-C, by default on a free port of 127.0.0.1.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:0",
          conflicts_with = "json", value_parser = explore::loopback)]
    pub(crate) explore: Option<SocketAddr>,
    /// Write the findings as JSON to this file; `-` is standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub(crate) json: Option<String>,
}
