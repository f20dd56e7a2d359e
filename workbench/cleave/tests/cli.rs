//! The program as its users start it: exit statuses, output streams, and leftovers.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tempfile::TempDir;

/// `cleave` with its state in the test's own folder, in English regardless of the developer's language.
fn cleave(folder: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cleave"));
    command.arg("--folder").arg(folder.path()).args(arguments.split_whitespace()).stdin(Stdio::null());
    command.env("LC_ALL", "C");
    command
}

fn run(folder: &TempDir, arguments: &str) -> Output {
    cleave(folder, arguments).output().unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Checks a document against its schema in docs/.
fn assert_valid(document: &Value, schema: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(schema);
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|e| format!("{} at {}", e, e.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// Waits until a file that another process writes contains a text.
fn wait_for(path: &Path, text: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(400);
    loop {
        let said = fs::read_to_string(path).unwrap_or_default();
        if said.contains(text) {
            return said;
        }
        assert!(Instant::now() < deadline, "no {text:?} in {said}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The data folder of the private PostgreSQL, from `cleave`'s output.
fn data_folder(said: &str) -> String {
    let line = said.lines().find(|line| line.starts_with("PostgreSQL")).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

/// Command lines that contain this folder.
fn processes_in(folder: &str) -> Vec<String> {
    let listed = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    stdout(&listed).lines().filter(|line| line.contains(folder)).map(str::to_owned).collect()
}

#[test]
fn bad_usage_ends_with_64_and_says_what_would_be_good() {
    let folder = folder();
    let cases = [
        ("frobnicate", "frobnicate"),
        ("compare --rate 0", "between 0.1 and 100000"),
        ("compare --rate=-5", "between 0.1 and 100000"),
        ("compare --rate fast", "200/s"),
        ("compare --duration 0", "greater than 0"),
        ("compare --duration 20d", "20s"),
        ("compare --warm-up=-1s", "between 0 and 1 h"),
        ("compare --trials 0", "between 1 and 100"),
        ("compare --modes monolit", "give monolith, split, or a driver"),
        ("compare --modes split:two-phase", "split:tcc"),
        ("compare --flaws ../no-outbox", "use one of: no-outbox, id-ordered-polling"),
        ("chaos --every=-1s", "between 0 and 1 h"),
        ("fault add lag", "latency, bandwidth"),
        ("scale inventory", "e.g. inventory=3"),
        ("soak --orders 0", "between 1 and 1000000"),
        ("compare --saturate --rate 5", "--saturate"),
        ("compare --clients 5", "--saturate"),
        ("compare --saturate --clients 0", "between 1 and 1000"),
        ("compare --seed x", "whole number"),
        ("compare --database-url mysql://x/y", "postgres://"),
        ("compare --amqp-url http://x", "amqp://"),
        ("compare --amqp-url amqp://guest:guest@[2001:db8::1]:5672/%2f", "IPv6"),
        ("clean --amqp-url amqp://[::1]/%2f queues", "IPv6"),
        ("up three", "split, both, or a driver"),
        ("up --rate fast", "e.g. 200"),
        ("bench limit --rounds 0", "between 1 and 100"),
        ("bench limit --in-flight 8,0", "between 1 and 1000"),
        ("bench limit --drivers monolith:local,split:local", "split:tcc"),
    ];
    for (arguments, hint) in cases {
        let output = run(&folder, arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments}: {}", stderr(&output));
        assert!(stderr(&output).contains(hint), "{arguments}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments}");
    }
    assert_eq!(run(&folder, "--help").status.code(), Some(0));
}

#[test]
fn runs_that_cannot_be_read_are_refused_in_a_sentence() {
    let folder = folder();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let cases = [
        (folder.path().display().to_string(), "has no run.json"),
        (folder.path().join("none").display().to_string(), "cannot read"),
        (file("text.json", "no JSON"), "not a whole cleave.run/1 file"),
        (file("cut.json", "{\"schema\": \"cleave.run/1\", \"seed\""), "not a whole cleave.run/1 file"),
        (file("later.json", "{\"schema\": \"cleave.run/9\"}"), "\"cleave.run/9\""),
        (file("other.json", "{\"schema\": \"cleave.soak/1\"}"), "a record of another kind"),
    ];
    for (run_file, hint) in cases {
        let output = run(&folder, &format!("diff {run_file} {run_file}"));
        assert_eq!(output.status.code(), Some(2), "{run_file}: {}", stderr(&output));
        assert!(stderr(&output).contains(hint), "{run_file}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{run_file}");
    }
}

#[test]
fn the_user_is_spoken_to_in_the_language_that_was_chosen() {
    let folder = folder();
    let told = |arguments: &str, locale: &str| {
        let output = cleave(&folder, arguments).env("LC_ALL", locale).output().unwrap();
        (output.status.code(), stdout(&output) + &stderr(&output))
    };
    for (arguments, status, english, korean) in [
        ("", 0, "start the shop", "쇼핑몰을"),
        ("--help", 0, "Usage:", "사용법:"),
        ("fault add --help", 0, "Examples:", "예:"),
        ("status", 2, "no shop is up", "실행 중인 쇼핑몰이 없습니다"),
        ("audit", 2, "no shop is up", "실행 중인 쇼핑몰이 없습니다"),
        ("scale inventory", 64, "give a service", "서비스와 개수를 쓰세요"),
        ("frobnicate", 64, "unrecognized", "명령은 없습니다"),
        ("fault add kill orders", 64, "is not an option", "옵션이 아닙니다"),
    ] {
        for (arguments, locale, words, not) in [
            (arguments.to_owned(), "C", english, korean),
            (arguments.to_owned(), "ko_KR.UTF-8", korean, english),
            (format!("{arguments} --lang ko"), "C", korean, english),
            (format!("--lang=en {arguments}"), "ko_KR.UTF-8", english, korean),
        ] {
            let (code, said) = told(&arguments, locale);
            assert_eq!(code, Some(status), "{arguments}: {said}");
            assert!(said.contains(words) && !said.contains(not), "{arguments} in {locale}: {said}");
        }
    }
    let (code, said) = told("--lang fr status", "C");
    assert!(code == Some(64) && said.contains("ko, en"), "{said}");
}

#[test]
fn without_arguments_it_says_in_five_lines_what_to_do_first() {
    let folder = folder();
    for locale in ["C", "ko_KR.UTF-8"] {
        let output = cleave(&folder, "").env("LC_ALL", locale).output().unwrap();
        assert_eq!((output.status.code(), stdout(&output).lines().count()), (Some(0), 5), "{output:?}");
        for command in stdout(&output).lines().map(|line| line.replace("cargo ", "")) {
            let command = command.strip_prefix("cleave ").unwrap().split("  ").next().unwrap().to_owned();
            let help = run(&folder, &format!("{} --help", command.split(' ').next().unwrap()));
            assert_eq!(help.status.code(), Some(0), "{command}");
        }
    }
}

/// The lines under the heading of the examples in a help text.
fn examples(help: &str) -> Vec<String> {
    let lines =
        help.lines().skip_while(|line| *line != "Examples:").map(|line| line.trim().replace("cargo ", ""));
    lines.filter_map(|line| line.strip_prefix("cleave ").map(str::to_owned)).collect()
}

#[test]
fn examples_that_need_no_shop_work_when_pasted() {
    let folder = folder();
    for command in ["flaws", "doctor", "clean"] {
        let help = stdout(&run(&folder, &format!("{command} --help")));
        let example = examples(&help).first().cloned().unwrap_or_else(|| panic!("no example in {help}"));
        let output = run(&folder, &example);
        // 2 means that something is missing on this machine, which is a valid result of the doctor.
        let good = if command == "doctor" { 0..=2 } else { 0..=0 };
        assert!(good.contains(&output.status.code().unwrap()), "{example}: {}", stderr(&output));
        assert!(!output.stdout.is_empty(), "{example}");
    }
    // The others get as far as the error that no shop is up.
    for command in ["logs", "scale", "deploy", "set", "fault add", "heal", "order", "audit", "in-doubt"] {
        let help = stdout(&run(&folder, &format!("{command} --help")));
        assert!(!examples(&help).is_empty(), "no example in {help}");
        for example in examples(&help) {
            let output = run(&folder, &example);
            assert_eq!(output.status.code(), Some(2), "{example}: {}", stderr(&output));
            assert!(stderr(&output).contains("cleave up"), "{example}: {}", stderr(&output));
        }
    }
}

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

/// Commands that only print, and need neither servers nor a shop.
const PRINTING: [&str; 6] = ["flaws", "flaws --json", "doctor", "doctor --json", "compare --help", "status"];

#[test]
fn a_reader_who_goes_away_is_no_failure() {
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
