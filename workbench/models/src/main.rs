//! `cleave model`: a separate program, because only it needs the model checker.

use std::process::ExitCode;

fn main() -> ExitCode {
    models::main()
}
