//! What happened, as readable lines, and as one number that two runs can be compared by.

use std::fmt::{self, Write};

/// A run's history. Only a run that is to be read keeps its lines.
pub struct History {
    hash: Fnv,
    lines: Option<Vec<String>>,
}

impl History {
    /// Nothing has happened yet.
    pub fn new(keeps_lines: bool) -> History {
        History { hash: Fnv(0xcbf2_9ce4_8422_2325), lines: keeps_lines.then(Vec::new) }
    }

    /// Something happened.
    pub fn note(&mut self, line: fmt::Arguments<'_>) {
        writeln!(self.hash, "{line}").expect("hashing does not fail");
        if let Some(lines) = &mut self.lines {
            lines.push(line.to_string());
        }
    }

    /// The hash of all lines, and the lines if they were kept.
    pub fn finish(self) -> (u64, Vec<String>) {
        (self.hash.0, self.lines.unwrap_or_default())
    }
}

/// FNV-1a: written down, so that the number does not change with a compiler or a library.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
