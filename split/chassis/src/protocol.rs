//! The protocol by which the services of a shop stay consistent.

use clap::ValueEnum;

/// The protocol of the checkout. All services of a shop use the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// The orders service owns the saga and sends commands, one step after the other.
    Orchestrated,
    /// No service owns it: each receives events and does its own step.
    Choreographed,
    /// The orders service asks all services at once to reserve something, then tells all to confirm or to cancel.
    Tcc,
    /// BROKEN ON PURPOSE: choreographed, without outbox and inbox, to see what they are for.
    Naive,
}

impl Protocol {
    /// Whether services react to events instead of being sent commands.
    pub fn is_choreographed(self) -> bool {
        matches!(self, Protocol::Choreographed | Protocol::Naive)
    }

    /// The name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
