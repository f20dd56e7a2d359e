#![doc = include_str!("../README.md")]

pub mod config;
pub mod db;
pub mod health;
pub mod http;
pub mod migrations;
pub mod problem;
mod sql;
pub mod telemetry;

pub use db::Pool;
pub use problem::Problem;
pub use sql::{Bound, Sql, sql};
