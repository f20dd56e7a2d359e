//! Models of the protocols, checked by stateright: every order of every step, within bounds.
//!
//! A test only sees the runs that happen to occur. A model is small enough to check all of them: crashes between any
//! two steps, and messages that arrive late, twice, or in any order. The result is true of the model. [`two_phase`] and
//! [`saga`] list what they leave out; the crash matrix and the simulation test the code itself.

mod arguments;
mod check;
mod explore;
mod help;
mod protocol;
pub mod saga;
pub mod two_phase;
mod words;

use std::process::ExitCode;

use anyhow::{Result, bail};

use arguments::Arguments;
pub use check::{Checked, Finding, Verdict, check};
pub use protocol::{Flaw, Module, Name, Protocol};
pub use saga::Saga;
pub use two_phase::TwoPhase;

use terminal::{output, say};

/// Reads the command line, checks a model or serves its explorer. Exit status: 0 every property holds, 1 one does not,
/// 2 nothing was checked, 64 bad usage.
pub fn main() -> ExitCode {
    let arguments = match help::read(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error),
    };
    match run(&arguments) {
        Ok(held) => say::ended(u8::from(!held)),
        Err(error) => {
            terminal::note!("cleave: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Prints the requested help, or the error in the command line.
fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        say::remember(error.print());
        return say::ended(0);
    }
    match help::usage_error(error) {
        Some(text) => terminal::note!("{text}"),
        // If standard error cannot be written, there is no other place for the message.
        None => drop(error.print()),
    }
    say::ended(64)
}

fn run(arguments: &Arguments) -> Result<bool> {
    let Arguments { name, flaw, explore, json } = arguments;
    if let Some(flaw) = flaw.filter(|flaw| flaw.concerns() != *name) {
        bail!(words::other_model(name, flaw.name(), flaw.concerns()));
    }
    // A flaw breaks its rule within narrow bounds, which are searched quickly. Showing that nothing breaks takes wider
    // ones.
    let faults = u8::from(flaw.is_none());
    let two_phase = TwoPhase { participants: 3, crashes: 1 + faults, duplicates: faults, flaw: *flaw };
    let saga = Saga { participants: 3, attempts: 2, crashes: faults, flaw: *flaw };
    if let Some(address) = explore {
        return match name {
            Name::TwoPhase => explore::serve(two_phase, *address),
            Name::Saga => explore::serve(saga, *address),
        };
    }
    let checked = match name {
        Name::TwoPhase => check(&two_phase),
        Name::Saga => check(&saga),
    };
    output::figures(json.as_deref(), &checked, &checked)?;
    Ok(checked.verdict == Verdict::Held)
}

#[cfg(test)]
mod tests;
