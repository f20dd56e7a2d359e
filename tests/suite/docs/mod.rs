//! The output of `cleave` matches the formats that docs/ describes.

mod chart;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tests::Stage;
use tokio::process::Command;

/// The limit for a short comparison, servers included, on a busy machine.
const BOUND: Duration = Duration::from_secs(600);

/// The root folder of the checkout.
pub fn checkout() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ is in the checkout").to_owned()
}

fn schema(path: &Path) -> Result<jsonschema::Validator> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    jsonschema::validator_for(&serde_json::from_str(&text)?).with_context(|| format!("{}", path.display()))
}

/// Fails if a document does not match this schema in docs/.
pub fn fits(document: &Value, file: &str) -> Result<()> {
    if let Some(error) = schema(&checkout().join("docs").join(file))?.iter_errors(document).next() {
        anyhow::bail!("it does not match {file}: {error} at {}", error.instance_path());
    }
    Ok(())
}

pub fn the_schemas_in_docs_are_schemas() -> Result<()> {
    let mut schemas = 0;
    for file in fs::read_dir(checkout().join("docs"))? {
        let path = file?.path();
        if path.to_string_lossy().ends_with(".schema.json") {
            // A schema must at least reject null.
            ensure!(!schema(&path)?.is_valid(&Value::Null), "{} accepts null", path.display());
            schemas += 1;
        }
    }
    ensure!(schemas > 0, "docs/ describes no format");
    Ok(())
}

/// The chart of all drivers shows the figures of their pages. With CLEAVE_DRAW=1 it is drawn anew.
pub fn the_chart_shows_the_figures_of_the_drivers() -> Result<()> {
    let figures = chart::figures("md")?;
    ensure!(chart::figures("ko.md")? == figures, "the Korean pages of the drivers have other figures");
    for (language, name) in
        ["docs/images/drivers-chart.svg", "docs/images/drivers-chart.ko.svg"].iter().enumerate()
    {
        let (file, drawn) = (checkout().join(name), chart::svg(&figures, language));
        if std::env::var_os("CLEAVE_DRAW").is_some() {
            fs::write(&file, &drawn)?;
        }
        let shown = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        ensure!(shown == drawn, "{name} is out of date: run this case with CLEAVE_DRAW=1");
    }
    Ok(())
}

pub async fn a_real_run_is_as_described(stage: &Stage) -> Result<Option<String>> {
    let cleave = stage.programs().await?.join("cleave");
    // As on a machine whose user has such a name.
    let outer = tempfile::tempdir()?;
    let folder = outer.path().join("홍 길동").join("임시 폴더");
    fs::create_dir_all(&folder)?;
    let file = folder.join("run.json");
    let options = "compare --modes monolith,split --rate 20/s --duration 3s --warm-up 1s --trials 1 --seed 7 --live-audit --yes";
    let mut command = Command::new(cleave);
    command
        .arg("--folder")
        .arg(&folder)
        .args(options.split(' '))
        .arg("--json")
        .arg(&file)
        .env("LC_ALL", "C")
        .env("TMPDIR", &folder)
        .kill_on_drop(true);
    let output = tokio::time::timeout(BOUND, command.output()).await.context("compare did not end")??;
    let said = String::from_utf8_lossy(&output.stderr);
    // 2: such a short load may not bring enough orders of every outcome.
    let code = output.status.code();
    ensure!(code == Some(0) || code == Some(2), "compare ended with {code:?}:\n{said}");

    let text =
        fs::read_to_string(&file).with_context(|| format!("compare wrote no {}: {said}", file.display()))?;
    let run: Value = serde_json::from_str(&text)?;
    fits(&run, "run.schema.json")?;
    let modes: Vec<_> = run["modes"].as_array().into_iter().flatten().map(|mode| &mode["driver"]).collect();
    ensure!(modes == ["monolith:local", "split:orchestrated"], "{modes:?}");
    Ok(None)
}

/// The cases of docs/field-log.md, by letter and number.
const REPORTED: [(&str, usize); 8] =
    [("A", 4), ("B", 3), ("C", 3), ("D", 5), ("E", 6), ("F", 2), ("G", 3), ("H", 6)];

/// Each reported case is in the table, and each test that the table names exists.
pub fn each_reported_case_has_a_test() -> Result<()> {
    let text = fs::read_to_string(checkout().join("docs/field-log.md"))?;
    let (_, table) = text.split_once("## The reported cases and their tests").context("the table")?;
    let rows = table.lines().filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split(" | ").collect()).collect();
    let cases = REPORTED.iter().flat_map(|(letter, last)| (1..=*last).map(move |n| format!("{letter}{n}")));
    for case in cases.chain(["held".to_owned()]) {
        let row = rows.iter().find(|row| row[0] == case).with_context(|| format!("{case} has no row"))?;
        let [_, _, tests] = row[..] else { anyhow::bail!("{case}: {row:?}") };
        let missing = missing(tests)?;
        ensure!(missing.is_empty(), "{case} names tests that do not exist: {missing:?}");
    }
    ensure!(
        missing("`docs::nothing`, `nothing` in `tests/suite/docs/mod.rs`")?.len() == 2,
        "all tests exist"
    );
    Ok(())
}

/// Those of these tests that do not exist: cases of the suite, or functions in the file that is named after them.
fn missing(tests: &str) -> Result<Vec<&str>> {
    let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
    ensure!(!names.is_empty(), "no test is named");
    let (files, names): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| name.ends_with(".rs"));
    let texts: Vec<String> =
        files.iter().map(|file| fs::read_to_string(checkout().join(file))).collect::<Result<_, _>>()?;
    let exists = |name: &&str| match name.contains("::") {
        true => [',', ']'].iter().any(|end| include_str!("../main.rs").contains(&format!(" {name}{end}"))),
        false => texts.iter().any(|text| text.contains(&format!("fn {name}()"))),
    };
    Ok(names.into_iter().filter(|name| !exists(name)).collect())
}
