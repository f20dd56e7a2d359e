//! Starts `cleave`, and reads what it says.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// `cleave` with its state in the test's own folder, in English regardless of the developer's language.
pub fn cleave(folder: &TempDir, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cleave"));
    command.arg("--folder").arg(folder.path()).args(arguments.split_whitespace()).stdin(Stdio::null());
    command.env("LC_ALL", "C");
    command
}

pub fn run(folder: &TempDir, arguments: &str) -> Output {
    cleave(folder, arguments).output().unwrap()
}

pub fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Checks a document against its schema in docs/.
pub fn assert_valid(document: &Value, schema: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(schema);
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(document).map(|e| format!("{} at {}", e, e.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}

/// Waits until a file that another process writes contains a text.
pub fn wait_for(path: &Path, text: &str) -> String {
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
pub fn data_folder(said: &str) -> String {
    let line = said.lines().find(|line| line.starts_with("PostgreSQL")).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

/// Command lines that contain this folder.
pub fn processes_in(folder: &str) -> Vec<String> {
    let listed = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    stdout(&listed).lines().filter(|line| line.contains(folder)).map(str::to_owned).collect()
}
