//! The record of a run, its comparison, and its presentation.

mod comparison;
mod diff;
mod files;
mod korean;
mod page;
mod sample;
mod schema;
