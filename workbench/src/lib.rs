//! The workbench: what the program `cleave` consists of.
//!
//! [`infra`] finds or starts servers, [`shop`] starts a shop on them, [`load`] sends orders, [`measure`] and
//! [`trial`] turn what happened into figures, [`mod@audit`] reads the databases, [`stats`] says what may be called a
//! difference, and [`report`] shows it. [`compare`], [`up`] and [`mod@bench`] put these together; [`dashboard`] shows it
//! live; [`cli`] is the door.

pub mod audit;
pub mod bench;
pub mod binaries;
pub mod chaos;
pub mod cli;
pub mod compare;
pub mod control;
pub mod crash_matrix;
pub mod dashboard;
pub mod doctor;
pub mod driver;
pub mod faults;
pub mod flaws;
pub mod guard;
pub mod in_doubt;
pub mod infra;
mod last_owner;
pub mod live_audit;
pub mod load;
pub mod logs;
pub mod measure;
pub mod model;
pub mod output;
pub mod process;
pub mod progress;
pub mod record;
pub mod report;
pub mod run;
pub mod scenario;
pub mod seed;
pub mod shop;
pub mod soak;
pub mod stats;
pub mod story;
pub mod supervisor;
pub mod tap;
pub mod tax;
pub mod trial;
pub mod up;
