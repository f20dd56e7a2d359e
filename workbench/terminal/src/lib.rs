//! The output of a command: progress while it runs, figures at the end.

pub mod bars;
pub mod language;
pub mod output;
mod program;
pub mod progress;
pub mod say;
pub mod text;
mod words;

pub use program::{CLEAVE, Program, program};
