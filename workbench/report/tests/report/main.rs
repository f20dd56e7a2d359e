//! The record of a run, the comparison in it, and what is shown of it.

mod comparison;
mod diff;
mod files;
mod korean;
mod page;
mod sample;
mod schema;
