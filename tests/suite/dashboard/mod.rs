//! The dashboard in a browser, used as a person would.

mod live;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use dashboard::page;
use serde_json::{Value, json};
use tests::{Browser, Stage};

pub use live::a_person_breaks_it_and_watches;

/// A recording of two seconds, which other tests read as well.
const RECORDED: &str = include_str!("../../../workbench/dashboard/tests/data/live.jsonl");
const VIEWS: [&str; 4] = ["watch", "map", "cost", "order"];
/// The accessibility roles of controls.
const TOUCHED: [&str; 8] =
    ["button", "link", "textbox", "spinbutton", "combobox", "slider", "DisclosureTriangle", "checkbox"];
/// Would run if it were treated as markup.
const EVIL: &str =
    "<img src=x onerror=\"document.title='broken out'\"><script>document.title='broken out'</script>";

/// The page without a shop: every view, in both languages and themes, on a projector and on a phone.
pub async fn everybody_can_read_it(_stage: &Stage) -> Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("run.html");
    std::fs::write(&file, page::standing_alone("en", &recording(150)?, &json!({ "ids": [] }), None)?)?;
    Browser::with(async |browser| {
        let address = format!("file://{}", file.display());
        browser.open(&address).await?;
        browser.until("it plays", "document.getElementById('state').classList.contains('recorded')").await?;
        for (width, height) in [(1280, 720), (375, 800)] {
            browser.resize(width, height).await?;
            for _language in 0..2 {
                for _theme in 0..2 {
                    for view in VIEWS {
                        browser.open(&format!("{address}#{view}")).await?;
                        let shown = format!("!document.getElementById('view-{view}').hidden");
                        browser.until("the view is shown", &shown).await?;
                        is_accessible(browser)
                            .await
                            .with_context(|| format!("{view} at {width}×{height}"))?;
                    }
                    browser.press('t').await?;
                }
                browser.press('l').await?;
            }
        }
        browser.resize(1280, 720).await?;
        browser.open(&format!("{address}#watch")).await?;
        let (tall, window) = (browser.tell("document.documentElement.scrollHeight").await?, json!(720));
        ensure!(tall == window, "on a projector the main view has to be scrolled: {tall} pixels");
        let told = browser.tell("document.getElementById('together').textContent").await?;
        ensure!(
            told == json!("Both run at once and share this machine: what one uses, the other lacks."),
            "{told}"
        );
        it_answers_to_keys(browser).await?;
        a_recording_is_gone_through(browser).await?;
        let title = browser.tell("document.title").await?;
        ensure!(title == json!("Cleave"), "a text became markup: {title}");
        ensure!(browser.tell("document.images.length").await? == json!(0), "a text became an image");
        Ok(())
    })
    .await
}

/// The lesson in the repository: each step shows what it speaks of, in either language.
pub async fn the_recorded_lesson_is_followed(_stage: &Stage) -> Result<Option<String>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?.join("docs");
    Browser::with(async |browser| {
        browser.resize(1280, 720).await?;
        for (language, name) in [("en", "lesson.html"), ("ko", "lesson.ko.html")] {
            browser.open(&format!("file://{}", docs.join(name).display())).await?;
            browser.until("there are steps", "document.querySelectorAll('#steps li').length > 4").await?;
            ensure!(browser.tell("document.documentElement.lang").await? == json!(language), "the language");
            let steps = browser.tell("JSON.parse(byId('lesson-data').textContent).steps").await?;
            for (step, number) in steps.as_array().context("steps")?.iter().zip(0..) {
                browser.click(&format!("#steps [data-step='{number}']")).await?;
                let view = step["view"].as_str().context("a view")?;
                browser.until("its view", &format!("!document.getElementById('view-{view}').hidden")).await?;
                let second = &step["second"];
                browser
                    .until("its second", &format!("Math.abs(page.sample().second - {second}) < 10"))
                    .await?;
                if view == "order" {
                    let told = "document.querySelectorAll('#stories svg .event').length > 10";
                    browser.until("its story", told).await?;
                }
                is_accessible(browser).await.with_context(|| format!("{name}, step {number}"))?;
            }
            let report =
                "document.getElementById('report').srcdoc.includes(`<html lang=\"${words.language()}\">`)";
            browser.until("the report is in this language", report).await?;
            browser.press('l').await?;
            browser
                .until("and in the other", &format!("words.language() !== '{language}' && {report}"))
                .await?;
        }
        Ok(())
    })
    .await
}

/// The page blames the machine if it is busy, and does not otherwise.
pub async fn a_busy_machine_is_named(_stage: &Stage) -> Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let busy = json!({ "cores": 2, "waiting": 0.5, "load": 9.0, "late_ms": 300.0 });
    for (busy, hidden) in [(Value::Null, true), (busy, false)] {
        let mut lines = Vec::new();
        for line in recording(20)?.lines() {
            let mut line: Value = serde_json::from_str(line)?;
            if line.get("second").is_some() {
                line["busy"] = busy.clone();
            }
            lines.push(line.to_string());
        }
        let file = folder.path().join("run.html");
        std::fs::write(&file, page::standing_alone("en", &lines.join("\n"), &json!({ "ids": [] }), None)?)?;
        let skipped = Browser::with(async |browser| {
            browser.open(&format!("file://{}#watch", file.display())).await?;
            browser
                .until("it plays", "document.getElementById('state').classList.contains('recorded')")
                .await?;
            let shown = format!("document.getElementById('busy').hidden === {hidden}");
            browser.until("it is said, or not", &shown).await?;
            let told = browser.tell("document.getElementById('busy').textContent").await?;
            let told = told.as_str().unwrap_or_default();
            let all = ["This machine is busy (", "waited for a processor 50", "load 9 on 2 cores"];
            ensure!(hidden || all.iter().all(|words| told.contains(words)), "{told}");
            Ok(())
        })
        .await?;
        if skipped.is_some() {
            return Ok(skipped);
        }
    }
    Ok(None)
}

/// The map names each instance that waits, what it waits for, and the reason.
pub async fn a_wait_is_named(_stage: &Stage) -> Result<Option<String>> {
    let folder = tempfile::tempdir()?;
    let wait =
        |part| json!([{ "part": part, "on": "database", "since": "2026-11-25T00:00:00Z", "why": EVIL }]);
    let mut lines = Vec::new();
    for line in recording(20)?.lines() {
        let mut line: Value = serde_json::from_str(line)?;
        for shop in line["shops"].as_array_mut().into_iter().flatten() {
            let process = |name: &str, part| {
                json!({
                    "name": name, "service": "inventory", "ready": true, "restarts": 0, "cpu_percent": 1.0,
                    "memory_mb": 9.0, "waits": wait(part)
                })
            };
            let all = shop["processes"].as_array_mut().context("processes")?;
            all.extend([process("inventory", "consumer"), process("inventory-2", "HTTP server")]);
        }
        lines.push(line.to_string());
    }
    let file = folder.path().join("run.html");
    std::fs::write(&file, page::standing_alone("en", &lines.join("\n"), &json!({ "ids": [] }), None)?)?;
    Browser::with(async |browser| {
        browser.open(&format!("file://{}#map", file.display())).await?;
        let shown = "[...document.querySelectorAll('.waits')].some((list) => !list.hidden)";
        browser.until("something waits", shown).await?;
        let told = browser.tell("document.getElementById('view-map').textContent").await?;
        let told = told.as_str().unwrap_or_default();
        for words in [
            "inventory: the consumer has waited for the database since ",
            "inventory-2: the HTTP server has waited for the database since ",
        ] {
            ensure!(told.contains(words), "{words:?} is missing: {told}");
        }
        let title = browser.tell("document.title").await?;
        ensure!(title == json!("Cleave"), "a reason became markup: {title}");
        Ok(())
    })
    .await
}

/// A recording of this length. One invariant is violated from the middle on, and texts contain markup
/// everywhere.
fn recording(seconds: u64) -> Result<String> {
    let mut lines = RECORDED.lines();
    let header = lines.next().context("a header")?;
    let sample: Value = serde_json::from_str(lines.next().context("a second")?)?;
    let start = chrono_of(&sample)?;
    let mut all = vec![header.to_owned()];
    for second in 0..seconds {
        let mut sample = sample.clone();
        sample["second"] = json!(second);
        sample["at"] = json!((start + Duration::from_secs(second)).to_rfc3339());
        for shop in sample["shops"].as_array_mut().context("shops")? {
            shop["problem"] = json!(EVIL);
            shop["invariants"][0]["example"] = json!(EVIL);
            if second > seconds / 2 && shop["mode"] == "split" {
                let order = shop["notable"]["last"]["order_id"].clone();
                shop["invariants"][2] = json!({
                    "invariant": "I3", "verdict": "violated", "anomalies": 1, "example": EVIL, "order_id": order
                });
            }
        }
        sample["faults"][0]["name"] = json!(EVIL);
        sample["faults"][0]["kind"] = json!(EVIL);
        sample["events"][0]["message"] = json!(EVIL);
        all.push(sample.to_string());
    }
    Ok(all.join("\n"))
}

fn chrono_of(sample: &Value) -> Result<chrono::DateTime<chrono::Utc>> {
    Ok(sample["at"].as_str().context("a moment")?.parse()?)
}

/// Names, headings, contrast, width.
async fn is_accessible(browser: &Browser) -> Result<()> {
    let told = browser.run(include_str!("accessibility.js")).await?;
    ensure!(told["complaints"] == json!([]), "{told:#}");
    let tree = browser.devtools("Accessibility.getFullAXTree", json!({})).await?;
    let mut looked = 0;
    for node in tree["nodes"].as_array().context("a tree has nodes")? {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        if node["ignored"] == json!(true) || !TOUCHED.contains(&role) {
            continue;
        }
        looked += 1;
        let name = node["name"]["value"].as_str().unwrap_or_default().trim();
        ensure!(!name.is_empty(), "a {role} has no name: {node}");
    }
    ensure!(looked > 8, "only {looked} controls were checked");
    Ok(())
}

/// Every control can be reached with the keyboard alone, and the focus is visible.
async fn it_answers_to_keys(browser: &Browser) -> Result<()> {
    const TAB: char = '\u{E004}';
    browser.run("document.activeElement.blur(); scrollTo(0, 0)").await?;
    let mut visited = Vec::new();
    for _ in 0..14 {
        browser.press(TAB).await?;
        let at = browser
            .tell("(({ id, textContent }, { outlineStyle, outlineWidth }) => ({ name: id || textContent.trim(), outline: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth) }))(document.activeElement, getComputedStyle(document.activeElement))")
            .await?;
        ensure!(at["outline"].as_f64() >= Some(2.0), "the focus is not visible at {at}");
        visited.push(at["name"].as_str().unwrap_or_default().to_owned());
    }
    for wanted in ["pause", "language", "theme", "help", "seek"] {
        ensure!(visited.iter().any(|name| name == wanted), "Tab does not reach {wanted}: {visited:?}");
    }
    browser.run("document.activeElement.blur()").await?;
    for (key, view) in [('2', "map"), ('3', "cost"), ('4', "order"), ('1', "watch")] {
        browser.press(key).await?;
        browser
            .until("a key shows a view", &format!("!document.getElementById('view-{view}').hidden"))
            .await?;
    }
    browser.press('?').await?;
    browser.until("the keys are listed", "document.getElementById('shortcuts').open").await?;
    browser.press('?').await?;
    browser.until("the list is closed", "!document.getElementById('shortcuts').open").await
}

/// Pause and seek show the state of the chosen second.
async fn a_recording_is_gone_through(browser: &Browser) -> Result<()> {
    let held =
        |count: u32| format!("document.querySelectorAll('[data-verdict=violated]').length === {count}");
    browser.run("const seek = document.getElementById('seek'); seek.value = 20; seek.dispatchEvent(new Event('input'))").await?;
    browser.until("at the start all invariants hold", &held(0)).await?;
    browser.run("const seek = document.getElementById('seek'); seek.value = 149; seek.dispatchEvent(new Event('input'))").await?;
    browser.until("later one invariant is violated", &held(1)).await?;
    let link = "document.querySelector('[data-invariant=I3] a').hash.startsWith('#order/')";
    browser.until("the violation leads to an order", link).await
}
