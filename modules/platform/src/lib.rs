#![doc = include_str!("../README.md")]

pub mod blame;
pub mod config;
pub mod crash;
pub mod db;
mod description;
pub mod entrance;
pub mod flaw;
pub mod health;
pub mod http;
pub mod idle;
pub mod listen;
pub mod migrations;
pub mod problem;
pub mod registration;
pub mod registry;
pub mod request;
pub mod settings;
mod silence;
mod sql;
pub mod telemetry;
pub mod transaction;
mod trouble;
mod waits;

pub use blame::{Blame, blame, refused_values};
pub use crash::CrashPoint;
pub use db::Pool;
pub use flaw::Flaw;
pub use problem::Problem;
pub use sql::{Bound, Sql, clock_timestamp, sql};
pub use transaction::{NotCommitted, transaction};
pub use waits::Waits;
