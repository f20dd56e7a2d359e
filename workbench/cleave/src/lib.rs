//! The program `cleave`: its command line, and the commands that are about what is up.
//!
//! What the commands do stands in the crates beside this one: [`servers`] finds or starts PostgreSQL and RabbitMQ,
//! [`shop`] starts a shop on them, [`load`] sends orders, [`audit`] reads the databases, [`report`] measures, compares and
//! shows, [`experiments`] puts these together; [`control`] and [`dashboard`] are for shops that stay up.

mod clean;
pub mod cli;
mod commands;
mod doctor;
mod in_doubt;
mod live_audit;
mod logs;
mod up;
mod words;
