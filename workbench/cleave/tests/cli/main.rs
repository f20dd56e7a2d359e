//! The program as its users start it: exit statuses, output streams, and leftovers.

mod ground;
mod output;
mod shops;
mod usage;
