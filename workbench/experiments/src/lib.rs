//! What Cleave runs to find something out: comparisons of drivers, scenarios with disturbances, rules left out, crashes at
//! every point, faults that a seed chooses, and benchmarks. Each starts shops of its own, and ends with an audit.

pub mod bench;
pub mod chaos;
pub mod compare;
pub mod crash_matrix;
pub mod flaws;
pub mod scenario;
pub mod soak;
mod words;
