//! x
pub mod report;
pub mod run;
pub mod stats;
pub mod audit;
pub mod binaries;
pub mod doctor;
pub mod guard;
pub mod infra;
pub mod process;
pub mod load;
pub mod seed;
pub mod shop;
