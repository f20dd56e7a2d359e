//! What is written to disk, and reading it back.

use std::fs::{self, File};
use std::path::Path;

use report::run::Run;

use crate::sample::monolith_and_split;

#[test]
fn a_run_reads_back_as_it_was_written() {
    let runs = tempfile::tempdir().expect("a folder");
    let (first, second) = (runs.path().join("1"), runs.path().join("2"));
    let run = monolith_and_split();
    report::write(&run, &first).expect("written");
    report::write(&run, &second).expect("written");

    let read = Run::read(&runs.path().join("latest")).expect("readable");
    // Compared as text: reading a decimal number may round its last bit.
    assert_eq!(report::json(&read).expect("JSON").len(), report::json(&run).expect("JSON").len());
    assert_eq!((read.seed, read.modes.len()), (run.seed, run.modes.len()));

    assert_eq!(fs::read_link(runs.path().join("latest")).expect("a link"), Path::new("2"));
    let mut left: Vec<_> = fs::read_dir(runs.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    left.sort();
    assert_eq!(left, ["1", "2", "latest"], "nothing temporary is left behind");
}

#[test]
fn a_folder_in_the_place_of_the_link_is_a_clear_error() {
    let runs = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(runs.path().join("latest/keep")).expect("a folder");
    let error = report::write(&monolith_and_split(), &runs.path().join("1")).expect_err("not replaced");
    assert!(error.to_string().contains("move it away"), "{error}");
    assert!(runs.path().join("latest/keep").exists());
}

#[test]
fn what_is_not_a_run_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = report::json(&monolith_and_split()).expect("a run");
    let cases = [
        ("cut.json", whole[..whole.len() / 2].to_owned(), "not a whole cleave.run/1 file"),
        ("empty.json", String::new(), "not a whole cleave.run/1 file"),
        (
            "version.json",
            whole.replace("cleave.run/1", "cleave.run/9"),
            "says its schema is \"cleave.run/9\"",
        ),
        ("scenario.json", whole.replace("cleave.run/1", "cleave.scenario/1"), "a record of another kind"),
        ("text.json", "no JSON at all".to_owned(), "not a whole cleave.run/1 file"),
        ("list.json", "[]".to_owned(), "not a whole cleave.run/1 file"),
        ("verdict.json", whole.replace("\"held\"", "\"fine\""), "unknown variant `fine`"),
    ];
    for (name, text, expected) in cases {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("written");
        let error = Run::read(&path).expect_err(name).to_string();
        assert!(error.contains(expected) && error.contains(name), "{error}");
    }

    let huge = folder.path().join("huge.json");
    File::create(&huge).and_then(|file| file.set_len(65 * 1024 * 1024)).expect("a sparse file");
    assert!(Run::read(&huge).expect_err("too large").to_string().contains("larger than 64 MB"));

    let error = Run::read(folder.path()).expect_err("no run in it").to_string();
    assert!(error.contains("has no run.json"), "{error}");
    let error = Run::read(&folder.path().join("none.json")).expect_err("no file").to_string();
    assert!(error.starts_with("cannot read "), "{error}");
}
