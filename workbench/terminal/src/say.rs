//! The one way to standard output and standard error. `println!` panics where nobody reads any more (`cleave flaws |
//! head -1`) and where the disk is full; so nothing here does.
//!
//! A reader that has gone is no error: what the command finds is its exit status all the same. A full disk is one, of
//! which [`failure`] tells at the end, for a figure that was not written must not pass for one that was.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

/// The exit status of a command that could not do what it was to.
const COULD_NOT: u8 = 2;

/// What went wrong first.
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

/// Writes to standard output, and remembers what went wrong.
pub fn out(text: Arguments<'_>) {
    remember(write(&mut io::stdout().lock(), text));
}

/// Writes to standard error. Where that cannot be written there is nobody left to tell.
pub fn aside(text: Arguments<'_>) {
    let _ = write(&mut io::stderr().lock(), text);
}

/// Remembers what went wrong in writing to standard output, where something else has written.
pub fn remember(written: io::Result<()>) {
    if let Err(error) = written {
        let mut failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| (error.kind(), error.to_string()));
    }
}

/// Whether somebody still reads what is said. A command without an end of its own has one when nobody does.
pub fn is_heard() -> bool {
    FAILURE.lock().unwrap_or_else(PoisonError::into_inner).is_none()
}

/// Why not all that was said has been written; `None` also where the reader did not want more.
pub fn failure() -> Option<String> {
    let failure = FAILURE.lock().unwrap_or_else(PoisonError::into_inner);
    let (_, why) = failure.as_ref().filter(|(kind, _)| *kind != ErrorKind::BrokenPipe)?;
    Some(format!("cannot write to standard output: {why}; what was to stand there is not complete"))
}

/// The exit status of a program that is at its end: its own, or 2 if what it said could not be written.
pub fn ended(status: u8) -> ExitCode {
    let Some(why) = failure() else { return ExitCode::from(status) };
    aside(format_args!("cleave: {why}\n"));
    ExitCode::from(COULD_NOT)
}

fn write(to: &mut impl Write, text: Arguments<'_>) -> io::Result<()> {
    to.write_all(text.to_string().as_bytes())?;
    to.flush()
}
