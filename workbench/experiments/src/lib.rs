//! Cleave's experiments: comparisons of drivers, scenarios with faults, flaws, crashes at every point, faults chosen by
//! a seed, and benchmarks. Each starts its own shops and ends with an audit.

pub mod bench;
pub mod chaos;
pub mod compare;
pub mod crash_matrix;
pub mod flaws;
mod measured;
pub mod scenario;
pub mod soak;
mod words;
