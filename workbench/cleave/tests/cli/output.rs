//! Output that cannot be written.

use std::fs;

use crate::ground::*;

/// Commands that only print, and need neither servers nor a shop.
const PRINTING: [&str; 6] = ["flaws", "flaws --json", "doctor", "doctor --json", "compare --help", "status"];

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = folder();
    for arguments in PRINTING {
        let usual = run(&folder, arguments).status.code();
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (deaf, closed) = std::io::pipe().unwrap();
        drop(deaf);
        let status = cleave(&folder, arguments).stdout(writer).stderr(closed).status().unwrap();
        assert_eq!(status.code(), usual, "{arguments}: {status}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_one() {
    let folder = folder();
    for arguments in PRINTING {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let output = cleave(&folder, arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {}", stderr(&output));
        assert!(
            stderr(&output).contains("cannot write to standard output"),
            "{arguments}: {}",
            stderr(&output)
        );
        assert!(!stderr(&output).contains("panicked"), "{arguments}: {}", stderr(&output));
    }
}
