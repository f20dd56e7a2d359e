//! Tests how the registry process handles its environment variables.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// Starts the registry with these variables, waits until it listens, ends it, and returns its standard error.
fn said(environment: &[(&str, &str)]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_registry"));
    command.env_remove("OTEL_EXPORTER_OTLP_ENDPOINT").env_remove("RUST_LOG");
    command.envs(environment.iter().copied()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut program = command.spawn().unwrap();
    let mut first = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut first).unwrap();
    program.kill().unwrap();
    program.wait().unwrap();
    let mut said = String::new();
    program.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(first.contains("listening"), "{environment:?}: it did not start: {first}{said}");
    said
}

#[test]
fn a_collector_that_cannot_be_reached_from_here_is_no_reason_not_to_start() {
    for unusable in ["https://collector.example:4318", "localhost:4318", "grpc://h", "?"] {
        let said = said(&[("OTEL_EXPORTER_OTLP_ENDPOINT", unusable)]);
        assert_eq!(said.matches("spans are not exported").count(), 1, "{unusable}: {said}");
        assert!(said.contains("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used"), "{unusable}: {said}");
    }
}

#[test]
fn an_empty_variable_is_an_unset_one() {
    let said = said(&[("OTEL_EXPORTER_OTLP_ENDPOINT", ""), ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "")]);
    assert!(!said.contains("exported"), "{said}");
}

#[test]
fn an_endpoint_on_the_command_line_is_refused_where_it_is_wrong() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_registry"));
    let end = command.args(["--otlp-endpoint", "https://h"]).output().unwrap();
    let said = String::from_utf8(end.stderr).unwrap();
    assert!(end.status.code() == Some(64) && said.contains("TLS"), "{said}");
}
