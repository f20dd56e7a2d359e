//! What people and programs see of a command: progress while it runs, figures when it is done.

pub mod language;
pub mod output;
pub mod progress;
pub mod say;
pub mod text;
