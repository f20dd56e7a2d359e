#![doc = include_str!("../README.md")]

pub mod config;
pub mod crash;
pub mod db;
pub mod entrance;
pub mod flaw;
pub mod health;
pub mod http;
pub mod migrations;
pub mod problem;
pub mod registration;
pub mod registry;
pub mod settings;
mod sql;
pub mod telemetry;

pub use crash::CrashPoint;
pub use db::Pool;
pub use flaw::Flaw;
pub use problem::Problem;
pub use sql::{Bound, Sql, sql};
