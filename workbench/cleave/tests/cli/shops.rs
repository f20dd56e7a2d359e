//! Commands that start shops, and what they leave.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::ground::*;

#[test]
fn nothing_is_up_until_something_is() {
    let folder = folder();
    assert_eq!(run(&folder, "status").status.code(), Some(2));
    assert_eq!(run(&folder, "down").status.code(), Some(0));
    let audit = run(&folder, "audit");
    assert_eq!(audit.status.code(), Some(2));
    assert!(stderr(&audit).contains("cleave up"), "{}", stderr(&audit));
}

#[test]
fn a_comparison_prints_its_record_and_leaves_a_report() {
    let folder = folder();
    // The warm-up is short and the seed is not the default: both must be in the record.
    let output = run(
        &folder,
        "compare --modes monolith,monolith --rate 100/s --duration 3s --warm-up 500ms --trials 1 --seed 7 --yes --json -",
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let record: Value = serde_json::from_slice(&output.stdout).expect("standard output is the record alone");
    assert_valid(&record, "run.schema.json");
    assert_eq!((record["seed"].as_u64(), record["load"]["warm_up_s"].as_f64()), (Some(7), Some(0.5)));
    assert_eq!(record["modes"][1]["label"], "monolith:local (2)");
    assert!(record["servers"]["rabbitmq"].is_null(), "a monolith needs no broker");
    let sent = |mode: usize| record["modes"][mode]["trials"][0]["orders"]["sent"].as_u64().unwrap();
    assert_eq!(sent(0), sent(1), "the same seed sends the same orders");
    assert!(stderr(&output).contains("throughput"), "people get their table on standard error");
    let latest = folder.path().join("runs/latest");
    for file in ["run.json", "report.html", "logs/postgres.log", "logs/monolith-local-trial-1/monolith.log"] {
        assert!(latest.join(file).is_file(), "{file} is missing");
    }
    let said = stderr(&output);
    assert_eq!(processes_in(&data_folder(&said)), Vec::<String>::new());
    assert!(!Path::new(&data_folder(&said)).exists());
}

#[test]
fn an_interrupted_comparison_leaves_nothing() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
        let folder = folder();
        let said = folder.path().join("said");
        let mut command = cleave(&folder, "compare --modes monolith --duration 60s --trials 1 --yes");
        let mut child = command.stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
        let data = data_folder(&wait_for(&said, "orders/s for"));
        assert!(!processes_in(&data).is_empty(), "the server should be running");
        kill(Pid::from_raw(child.id().cast_signed()), signal).unwrap();
        let status = child.wait().unwrap();
        if signal != Signal::SIGKILL {
            assert_eq!(status.code(), Some(2), "{signal}");
        }
        // After SIGKILL the guard cleans up, and no process waits for it.
        let deadline = Instant::now() + Duration::from_secs(60);
        while !processes_in(&data).is_empty() || Path::new(&data).exists() {
            assert!(Instant::now() < deadline, "{signal} left {:?} and {data}", processes_in(&data));
            std::thread::sleep(Duration::from_millis(50));
        }
        let shop = folder.path().join("runs");
        assert_eq!(processes_in(shop.to_str().unwrap()), Vec::<String>::new(), "{signal}");
    }
}

#[test]
fn a_shop_is_put_up_looked_at_and_taken_down() {
    let folder = folder();
    let said = folder.path().join("said");
    let mut up = cleave(&folder, "up monolith --yes");
    let mut up = up.stdout(Stdio::piped()).stderr(fs::File::create(&said).unwrap()).spawn().unwrap();
    let said = wait_for(&said, "Ctrl-C stops everything");

    let status = run(&folder, "status --json");
    assert_eq!(status.status.code(), Some(0));
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(
        (&status["shops"][0]["driver"], &status["shops"][0]["ready"]),
        (&"monolith:local".into(), &true.into())
    );
    let state = folder.path().join("up.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&state).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "there are passwords in it");

    let second = run(&folder, "up monolith");
    assert_eq!(second.status.code(), Some(2));
    assert!(stderr(&second).contains("running already"), "{}", stderr(&second));

    // Without orders there is nothing to judge, and that is not a pass.
    assert_eq!(run(&folder, "audit").status.code(), Some(2));

    let down = run(&folder, "down");
    assert_eq!(down.status.code(), Some(0), "{}", stderr(&down));
    let ended = up.wait().unwrap().code();
    assert_eq!(ended, Some(0), "{}", fs::read_to_string(folder.path().join("said")).unwrap());
    let mut printed = String::new();
    up.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(printed.contains("curl"), "{printed}");
    assert!(!state.exists());
    assert_eq!(processes_in(&data_folder(&said)), Vec::<String>::new());
}

#[test]
fn the_limit_is_measured_in_turns() {
    if servers::PostgresPrograms::find().and_then(|programs| programs.pgbench()).is_none() {
        println!("not run: pgbench is not on this machine");
        return;
    }
    let folder = folder();
    let options = "--duration 1s --rounds 2 --in-flight 8 --drivers monolith:local,split:choreographed --yes";
    let output = run(&folder, &format!("bench limit {options} --json -"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let limit: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid(&limit, "bench-limit.schema.json");
    assert_eq!((limit["clients"].as_u64(), limit["rounds"].as_array().unwrap().len()), (Some(8), 2));
    assert!(limit["ratio"]["median"].as_f64().unwrap() > 0.0);
    let level = &limit["levels"][0];
    assert_eq!((&level["in_flight"], &level["best_split"]), (&8.into(), &"split:choreographed".into()));
    let drivers = level["drivers"].as_array().unwrap();
    assert_eq!(drivers.len(), 2);
    for driver in drivers {
        assert_eq!(driver["turns"].as_array().unwrap().len(), 2);
        for ratio in ["ratio_to_pgbench", "ratio_to_monolith", "p50_ratio_to_monolith"] {
            assert!(driver[ratio]["median"].as_f64().unwrap() > 0.0, "{ratio} of {driver}");
        }
    }
    assert!(stderr(&output).contains("orders/s ÷ pgbench"), "people get their table on standard error");
}

#[test]
fn what_is_left_is_listed_and_removed_when_named() {
    let folder = folder();
    let run_folder = folder.path().join("runs/20260101T000000Z-1");
    fs::create_dir_all(&run_folder).unwrap();
    fs::write(run_folder.join("run.json"), "{}").unwrap();
    let item = |arguments: &str| {
        let output = run(&folder, arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {}", stderr(&output));
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_valid(&document, "clean.schema.json");
        let items = document["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["kind"] == "runs")
    };
    let listed = item("clean --json").unwrap();
    assert_eq!((&listed["removed"], &listed["bytes"]), (&false.into(), &2.into()));
    assert_eq!(item("clean runs --keep 1 --json").unwrap()["removed"], false);
    assert!(run_folder.exists());
    assert_eq!(item("clean runs --json").unwrap()["removed"], true);
    assert!(!run_folder.exists());
    assert_eq!(item("clean --json"), None);
}
