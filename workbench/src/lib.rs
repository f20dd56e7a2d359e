//! x
pub mod run;
pub mod stats;
