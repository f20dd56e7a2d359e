//! The program `cleave`: its command line, and the commands for running shops.
//!
//! Most of the work is in other crates. [`servers`] finds or starts PostgreSQL and RabbitMQ, [`shop`] starts a shop on
//! them, [`load`] sends orders, [`audit`] reads the databases, [`report`] measures, compares and shows, and
//! [`experiments`] combines these. [`control`] and [`dashboard`] are for running shops.

mod clean;
pub mod cli;
mod commands;
mod doctor;
mod in_doubt;
mod live_audit;
mod logs;
mod manifests;
mod moves;
mod up;
mod words;
