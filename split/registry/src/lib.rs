#![doc = include_str!("../README.md")]

mod directory;
mod http;
mod kept;
mod local;
pub mod settings;

pub use directory::Directory;
pub use http::Registry;
pub use kept::Kept;
