//! Settings of the checkouts.

use std::time::Duration;

use clap::Args;

/// How patient the orchestrator is.
#[derive(Debug, Clone, Args)]
pub struct CheckoutSettings {
    /// How long a reply may take before the command is sent again, in seconds.
    #[arg(long, env = "CLEAVE_ANSWER_WITHIN", value_name = "SECONDS", default_value_t = 30,
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    answer_within: u64,
}

impl CheckoutSettings {
    /// How long a reply may take before the command is sent again.
    pub fn answer_within(&self) -> Duration {
        Duration::from_secs(self.answer_within)
    }
}
