//! The program `cleave`.

fn main() -> std::process::ExitCode {
    workbench::cli::main()
}
