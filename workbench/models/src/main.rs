//! `cleave model`: a program of its own, because it alone needs a model checker.

use std::process::ExitCode;

fn main() -> ExitCode {
    models::main()
}
