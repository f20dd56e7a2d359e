//! `cleave model` as its users start it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

fn cleave(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cleave"));
    command.args(arguments.split(' ')).stdin(Stdio::null()).env("LC_ALL", "C");
    command
}

#[test]
fn a_flaw_ends_in_a_story_and_in_status_1() {
    let output = cleave("model two-phase --flaw decision-not-durable --json").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(findings["verdict"], "violated");
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("\n  1. "), "{told}");
    assert!(told.contains("the coordinator crashes"), "{told}");
}

#[test]
fn what_makes_no_sense_is_refused() {
    let output = cleave("model saga --flaw decision-not-durable").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cleave model two-phase"));

    let output = cleave("model saga --explore 0.0.0.0:3000").output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("this machine only"));
}

/// Ends the explorer together with the test.
struct Explorer(Child);

impl Drop for Explorer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// Tries for ten seconds: the address is announced shortly before it accepts connections.
fn wait_for(address: &str) {
    for _ in 0..100 {
        if TcpStream::connect(address).is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("no process listens on {address}");
}

#[test]
fn the_explorer_is_served_and_loads_nothing_from_elsewhere() {
    let mut explorer = Explorer(cleave("model two-phase --explore").stdout(Stdio::piped()).spawn().unwrap());
    let mut said = BufReader::new(explorer.0.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap();
    wait_for(address);

    let page = get(address, "/");
    assert!(page.contains("<html"), "{page}");
    for elsewhere in ["src=\"http", "src=\"//", "src='http", "stylesheet\" href=\"http"] {
        assert!(!page.contains(elsewhere), "{elsewhere} in {page}");
    }
    assert!(get(address, "/.states/0").contains("inventory does its part and votes yes"));
}
