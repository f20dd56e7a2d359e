//! How the services of a shop stay consistent with each other.

use clap::ValueEnum;

/// The protocol of the checkout. All services of a shop have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// The orders service owns the saga and sends commands, one step after the other.
    Orchestrated,
    /// Nobody owns it: each service hears what happened and does its step.
    Choreographed,
    /// The orders service asks all at once to set something aside, then tells all to confirm or to cancel.
    Tcc,
    /// BROKEN ON PURPOSE: choreographed, with neither outbox nor inbox, to see what they are for.
    Naive,
}

impl Protocol {
    /// Whether services hear events rather than being sent commands.
    pub fn is_choreographed(self) -> bool {
        matches!(self, Protocol::Choreographed | Protocol::Naive)
    }

    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}
