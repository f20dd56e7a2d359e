//! The commands and their arguments. Their doc comments are the English help; `korean.rs` has the Korean one.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use super::values::{
    FlawArgs, Json, Modes, ServerArgs, length_or_none, modes, postgres_url, scaling, setting,
};
use super::{audit, bench, chaos, clean, compare, dashboard, diff, fault, order, proofs};
use crate::manifests::Orchestrator;
use crate::up;
use ::dashboard::clock;

/// Run one shop as a monolith and as services, side by side under the same load.
#[derive(Debug, Parser)]
#[command(
    name = "cleave",
    version,
    after_help = "Exit status: 0 all held, 1 something is violated, 2 no evidence or could not run, 64 bad usage."
)]
pub(super) struct Cli {
    /// Folder for runs and state; by default .cleave in the checkout.
    #[arg(long, global = true, value_name = "DIR", display_order = 900)]
    pub(super) folder: Option<PathBuf>,
    /// Language of texts: ko or en; by default that of the locale (LC_ALL, LC_MESSAGES, LANG).
    #[arg(long, global = true, value_name = "LANG", value_parser = ["ko", "en"], hide_possible_values = true, display_order = 901)]
    lang: Option<String>,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(flatten)]
    Staying(Staying),
    #[command(flatten)]
    Asking(Asking),
    #[command(flatten)]
    Bare(Bare),
}

/// Commands that stay until Ctrl-C, and end in order then.
#[derive(Debug, Subcommand)]
pub(super) enum Staying {
    /// Start a shop, print its address and what to try, and run until Ctrl-C.
    Up(Up),
    /// Show both modes in a web page under the same load, and break them there. Starts the shops if none is up.
    Dashboard(dashboard::Dashboard),
    /// Play back a recording of the dashboard; no shop has to be up.
    Replay(dashboard::Replay),
    /// Check the invariants of the shops that are up.
    Audit(audit::Audit),
    /// Inject one fault after another into the shops that are up (`cleave up --proxies`); the seed decides which.
    Chaos(chaos::Chaos),
}

/// Commands that come to an end by themselves. Ctrl-C drops what they have started.
#[derive(Debug, Subcommand)]
pub(super) enum Asking {
    /// Run both modes under the same load, and show their figures side by side.
    #[command(display_order = 0)]
    Compare(compare::Compare),
    /// Compare two saved runs: before and after a change, or from two machines.
    #[command(display_order = 0)]
    Diff(diff::Diff),
    /// Show the shops that are up, and their processes.
    Status(Json),
    /// Stop the shops that are up.
    Down,
    /// Exit with 0 if the shops that are up are ready, or the program at this address is: a container's health check.
    #[command(hide = true)]
    Health {
        /// Address of a program, e.g. http://127.0.0.1:8080.
        address: Option<String>,
    },
    /// Put products, stock and money into the shop at this address, as `cleave up` does for its own.
    #[command(hide = true)]
    Fill {
        /// Address of the shop, e.g. http://127.0.0.1:8082.
        address: String,
    },
    /// Print the logs of all processes of the shops that are up, as one stream.
    Logs {
        /// Only processes whose names begin with this.
        name: Option<String>,
        /// Only lines about this order.
        #[arg(long, value_name = "ID")]
        order: Option<String>,
        /// Keep running, and print new lines as they are written.
        #[arg(long)]
        follow: bool,
    },
    /// Change the number of instances of a service.
    Scale {
        /// Service and number, e.g. inventory=3 or monolith=2.
        #[arg(value_name = "SERVICE=INSTANCES", value_parser = scaling)]
        to: control::Scale,
        #[command(flatten)]
        json: Json,
    },
    /// Replace the instances of a service one by one, without stopping the service.
    Deploy {
        /// Service, e.g. inventory, or monolith.
        service: String,
        #[command(flatten)]
        json: Json,
    },
    /// Move a module out of the running monolith: it becomes a service with its own database, while orders go on.
    Extract {
        /// Module: catalog, inventory, payments or shipping.
        module: String,
        /// Only say what it would take and what it would cost.
        #[arg(long)]
        plan: bool,
        /// How long both sides answer reads and are compared before the service takes over.
        #[arg(long, value_name = "TIME", default_value = "2s", value_parser = length_or_none)]
        parallel_run: Duration,
        #[command(flatten)]
        json: Json,
    },
    /// Bring a module back into the monolith, while orders go on.
    Merge {
        /// Module that has left.
        module: String,
        /// How long both sides answer reads and are compared before the monolith takes over.
        #[arg(long, value_name = "TIME", default_value = "2s", value_parser = length_or_none)]
        parallel_run: Duration,
        #[command(flatten)]
        json: Json,
    },
    /// Change a setting of the running processes, or list all settings.
    Set {
        /// Setting and value, e.g. gateway.timeout_ms=500.
        #[arg(value_name = "NAME=VALUE", value_parser = setting)]
        to: Option<control::Set>,
        #[command(flatten)]
        json: Json,
    },
    /// Add a fault to the shops that are up, or list faults.
    #[command(subcommand)]
    Fault(fault::Fault),
    /// End faults early.
    Heal(fault::HealFaults),
    /// Start a shop, run many orders and many faults on it for minutes, then audit it.
    Soak(chaos::Soak),
    /// Tell the story of one order: what happened to it and where, what it waits for, and what is safe to do.
    Order(order::Order),
    /// Measure limits and costs of the shop.
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Kill processes at every crash point of every driver, and check all invariants.
    CrashMatrix(proofs::CrashMatrix),
    /// List the rules that can be left out on purpose, or show what happens to a shop without one.
    Flaws(proofs::Flaws),
    /// List open prepared transactions and what they block; finish them with --resolve.
    InDoubt {
        /// Database of a shop; repeat the option for each one. By default, the databases of the shops that are up.
        #[arg(long, value_name = "URL", value_parser = postgres_url)]
        database_url: Vec<String>,
        /// Finish each by the recorded decision, unless its coordinator is running and will do so itself.
        #[arg(long)]
        resolve: bool,
        #[command(flatten)]
        json: Json,
    },
    /// Show what cleave left on this machine, and remove what is named.
    Clean(clean::Clean),
    /// Check this machine, and show the command that installs what is missing.
    Doctor {
        /// Install what is missing.
        #[arg(long)]
        fix: bool,
        /// Install without asking.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        json: Json,
    },
}

/// Commands that need no runtime and leave nothing behind.
#[derive(Debug, Subcommand)]
pub(super) enum Bare {
    /// Write what an orchestrator needs to run the shop.
    Manifests {
        /// The orchestrator.
        #[arg(value_enum)]
        orchestrator: Orchestrator,
        /// Folder to write to.
        #[arg(long, value_name = "DIR", default_value = ".")]
        output: PathBuf,
    },
    /// Check a model of a protocol in every order of steps, including crashes and late messages.
    #[command(disable_help_flag = true)]
    Model {
        /// Arguments of the model checker; see `cleave model --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Sends the load of a dashboard.
    #[command(name = clock::COMMAND, hide = true)]
    LoadClock,
    /// Cleans up after a cleave that was killed.
    #[command(name = servers::guard::COMMAND, hide = true)]
    Guard,
}

#[derive(Debug, Args)]
pub(super) struct Up {
    /// Mode: monolith, split, both, or a driver, e.g. split:tcc.
    #[arg(default_value = "both", value_parser = modes)]
    pub(super) modes: Modes,
    /// Put a proxy into every link, so that `cleave fault` can disturb it.
    #[arg(long)]
    pub(super) proxies: bool,
    /// Show the shops in a web page, as `cleave dashboard` does; implies --proxies.
    #[arg(long)]
    pub(super) dashboard: bool,
    /// Send this many orders per second to each shop. With --dashboard, the page sends them, 20/s by default.
    #[arg(long, value_name = "N/s", value_parser = dashboard::rate)]
    rate: Option<f64>,
    #[command(flatten)]
    pub(super) flaws: FlawArgs,
    #[command(flatten)]
    pub(super) servers: ServerArgs,
}

impl Up {
    /// With `--dashboard` the page sends the load, otherwise `cleave up` does.
    pub(super) fn load(&self) -> up::Load {
        match (self.dashboard, self.rate) {
            (true, rate) => {
                let usual = ::dashboard::DashboardOptions::default();
                up::Load::Page(::dashboard::DashboardOptions {
                    rate_per_s: rate.unwrap_or(usual.rate_per_s),
                    ..usual
                })
            }
            (false, Some(rate_per_s)) => up::Load::Own { rate_per_s },
            (false, None) => up::Load::None,
        }
    }
}
