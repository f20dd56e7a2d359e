//! All output to standard output and standard error goes through here. `println!` panics if the reader has closed the
//! pipe (`cleave flaws | head -1`) or the disk is full. These functions do not.
//!
//! A closed pipe is not an error: the exit status is still that of the command. A full disk is one, and [`failure`]
//! reports it at the end. Otherwise an incomplete figure would pass for a complete one.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use parking_lot::Mutex;

/// The exit status of a command that failed.
const COULD_NOT: u8 = 2;

/// The first error in writing to standard output.
static FAILURE: Mutex<Option<(ErrorKind, String)>> = Mutex::new(None);

/// Prints a line to standard output, as `println!` does.
#[macro_export]
macro_rules! say {
    () => { $crate::say::out(format_args!("\n")) };
    ($($text:tt)*) => { $crate::say::out(format_args!("{}\n", format_args!($($text)*))) };
}

/// Prints to standard output without ending the line, as `print!` does.
#[macro_export]
macro_rules! say_part {
    ($($text:tt)*) => { $crate::say::out(format_args!($($text)*)) };
}

/// Prints a line to standard error, as `eprintln!` does.
#[macro_export]
macro_rules! note {
    () => { $crate::say::aside(format_args!("\n")) };
    ($($text:tt)*) => { $crate::say::aside(format_args!("{}\n", format_args!($($text)*))) };
}

/// Writes to standard output, and remembers an error.
pub fn out(text: Arguments<'_>) {
    remember(write(&mut io::stdout().lock(), text));
}

/// Writes to standard error. Errors are ignored, because there is nowhere left to report them.
pub fn aside(text: Arguments<'_>) {
    let _ = write(&mut io::stderr().lock(), text);
}

/// Remembers the result of a write to standard output that was made elsewhere.
pub fn remember(written: io::Result<()>) {
    if let Err(error) = written {
        let mut failure = FAILURE.lock();
        failure.get_or_insert_with(|| (error.kind(), error.to_string()));
    }
}

/// Whether standard output is still being read. A command that runs until it is stopped ends when it is not.
pub fn is_heard() -> bool {
    FAILURE.lock().is_none()
}

/// Why standard output is incomplete; `None` if it is complete or the reader closed the pipe.
pub fn failure() -> Option<String> {
    let failure = FAILURE.lock();
    let (_, why) = failure.as_ref().filter(|(kind, _)| *kind != ErrorKind::BrokenPipe)?;
    Some(format!("cannot write to standard output: {why}; the output is incomplete"))
}

/// The exit status of a program: its own, or 2 if its output could not be written.
pub fn ended(status: u8) -> ExitCode {
    let Some(why) = failure() else { return ExitCode::from(status) };
    aside(format_args!("cleave: {why}\n"));
    ExitCode::from(COULD_NOT)
}

fn write(to: &mut impl Write, text: Arguments<'_>) -> io::Result<()> {
    to.write_all(text.to_string().as_bytes())?;
    to.flush()
}
