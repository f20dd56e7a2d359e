//! How the user starts this program, for texts that tell the user to type a command.

use std::fmt;
use std::sync::LazyLock;

static STARTED_BY_CARGO: LazyLock<bool> = LazyLock::new(|| std::env::var_os("CARGO").is_some());

/// The start of a command line that works when pasted: `cargo cleave` if cargo's alias started this program, otherwise
/// `cleave`.
pub fn program() -> &'static str {
    named(*STARTED_BY_CARGO)
}

fn named(by_cargo: bool) -> &'static str {
    if by_cargo { "cargo cleave" } else { "cleave" }
}

/// Prints [`program`]. Every table of words has it in scope: `"start a shop with `{CLEAVE} up`"`.
#[derive(Debug, Clone, Copy)]
pub struct Program;

/// See [`Program`].
pub const CLEAVE: Program = Program;

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(program())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    crate::words! {
        start_one() { "start one with `{CLEAVE} up`" "`{CLEAVE} up`으로 시작하세요" }
    }

    #[test]
    fn a_hint_works_as_the_program_was_started() {
        assert_eq!([named(true), named(false)], ["cargo cleave", "cleave"]);
        assert!(start_one().contains(&format!("`{} up`", program())));
    }
}
