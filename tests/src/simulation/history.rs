//! What happened, as readable lines and as one number for comparing two runs.

use std::fmt::{self, Write};

/// The history of a run. Keeping the lines is optional.
pub struct History {
    hash: Fnv,
    lines: Option<Vec<String>>,
}

impl History {
    pub fn new(keeps_lines: bool) -> History {
        History { hash: Fnv(0xcbf2_9ce4_8422_2325), lines: keeps_lines.then(Vec::new) }
    }

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

/// FNV-1a, written out here so that the number does not change with a compiler or library.
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}
