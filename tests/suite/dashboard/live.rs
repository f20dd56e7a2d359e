//! The live dashboard with real shops, used as a person would who sees it for the first time.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tests::{Browser, Stage};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::is_accessible;

/// The limit for starting or ending a program, servers included, on a busy machine.
const UP: Duration = Duration::from_secs(180);

/// From an empty folder to a replay: a load, a fault and its end, the other language, an order's story.
pub async fn a_person_breaks_it_and_watches(stage: &Stage) -> Result<Option<String>> {
    let cleave = stage.programs().await?.join("cleave");
    let folder = tempfile::tempdir()?;
    let mut dashboard =
        Program::start(&cleave, folder.path(), &["dashboard", "--yes", "--rate", "0"]).await?;
    let address = dashboard.address.clone();
    let outcome = Browser::with(async |browser| {
        browser.resize(1280, 720).await?;
        browser.open(&address).await?;
        browser.until("it is live", "document.getElementById('state').classList.contains('live')").await?;
        ensure!(!browser.address().await?.contains("token"), "the token stays in the address");
        is_accessible(browser).await.context("with controls")?;
        a_hidden_tab_takes_no_connection(browser).await?;
        a_load_reaches_both(browser).await?;
        a_fault_opens_the_breaker(browser).await?;
        another_language_keeps_the_view(browser).await?;
        a_story_is_read(browser).await?;
        let stories = recorded_run(folder.path())?.join("stories.jsonl");
        tests::eventually("a refused order's story is recorded", async || {
            let recorded = std::fs::read_to_string(&stories)?;
            Ok(recorded.lines().any(|line| line.contains("\"cancelled\"")).then_some(()))
        })
        .await
    })
    .await;
    dashboard.end().await?;
    if let Some(why_not) = outcome? {
        return Ok(Some(why_not));
    }
    let run = recorded_run(folder.path())?;
    let mut replay =
        Program::start(&cleave, folder.path(), &["replay", run.to_str().context("a path")?]).await?;
    let address = replay.address.clone();
    let outcome = Browser::with(async |browser| {
        browser.open(&address).await?;
        browser.until("it plays", "document.getElementById('state').classList.contains('recorded')").await?;
        browser.until("it shows both", "document.querySelectorAll('#charts .shop').length === 2").await?;
        ensure!(browser.tell("document.getElementById('controls').hidden").await? == json!(true), "controls");
        a_recorded_story_is_read(browser).await
    })
    .await;
    replay.end().await?;
    if let Some(why_not) = outcome? {
        return Ok(Some(why_not));
    }
    let page = folder.path().join("lesson.html");
    let export = Command::new(&cleave)
        .args(["--lang", "en", "dashboard", "--export"])
        .arg(&page)
        .arg("--run")
        .arg(&run)
        .output();
    ensure!(export.await?.status.success(), "`dashboard --export` failed");
    Browser::with(async |browser| {
        browser.open(&format!("file://{}", page.display())).await?;
        a_recorded_story_is_read(browser).await.context("in one file")
    })
    .await
}

/// Without a running shop: the story of an order that was refused during the recording, in both languages.
async fn a_recorded_story_is_read(browser: &Browser) -> Result<()> {
    let told = "document.querySelectorAll('#stories .outcome.cancelled').length === 2";
    browser.press('4').await?;
    browser.click("[data-pick=last_refused]").await?;
    browser.until("both shops tell of the order", told).await?;
    browser
        .until("there are pictures", "document.querySelectorAll('#stories svg .event').length > 10")
        .await?;
    browser.press('l').await?;
    let korean = "[...document.querySelectorAll('#stories .outcome')].every((one) => one.textContent.includes('취소'))";
    browser.until("they tell it in Korean", &format!("{told} && {korean}")).await?;
    browser.press('l').await?;
    browser.reload().await?;
    browser.until("the address alone leads to it", told).await
}

/// A browser opens six connections to a server, so with seven visible streams no tab would get another response.
async fn a_hidden_tab_takes_no_connection(browser: &Browser) -> Result<()> {
    let turn = |hidden: bool| {
        format!(
            "Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }}); \
             document.dispatchEvent(new Event('visibilitychange'))"
        )
    };
    browser.run(&turn(true)).await?;
    browser.until("its stream is closed", "feed.source === null").await?;
    browser.run(&turn(false)).await?;
    let live = "feed.source?.readyState === EventSource.OPEN && document.getElementById('state').classList.contains('live')";
    browser.until("it is live again", live).await
}

async fn a_load_reaches_both(browser: &Browser) -> Result<()> {
    browser.fill("#load-rate", "10").await?;
    browser.click("#load-mix option[value=compensated]").await?;
    browser.click("#load-start").await?;
    let decided = "[...document.querySelectorAll('[data-chart=throughput] output')].filter((one) => parseFloat(one.textContent) > 0).length === 2";
    browser.until("orders are decided in both", decided).await
}

async fn a_fault_opens_the_breaker(browser: &Browser) -> Result<()> {
    let held = "document.querySelectorAll('[data-invariant=I3] [data-verdict=held]').length === 2";
    browser.until("the audit has something to look at", held).await?;
    browser.press('2').await?;
    browser.click("[data-preset=cut]").await?;
    browser.until("the fault is there", "document.querySelector('#active li')").await?;
    browser.until("the breaker opens", "document.querySelector('.map .breaker.open')").await?;
    ensure!(browser.tell(held).await? == json!(true), "I3 does not hold during the fault");
    browser.press('h').await?;
    browser.until("the faults are gone", "!document.querySelector('#active li')").await?;
    browser
        .until("the breaker closes", "!document.querySelector('.map .breaker.open, .map .breaker.half_open')")
        .await
}

async fn another_language_keeps_the_view(browser: &Browser) -> Result<()> {
    browser.press('l').await?;
    browser.until("it speaks Korean", "document.documentElement.lang === 'ko' && document.querySelector('.views [aria-current]').textContent === '지도'").await?;
    ensure!(browser.address().await?.ends_with("#map"), "the language changed the view");
    browser.press('l').await?;
    browser.until("it speaks English", "document.documentElement.lang === 'en'").await
}

async fn a_story_is_read(browser: &Browser) -> Result<()> {
    browser.press('4').await?;
    browser.click("[data-pick=last_refused]").await?;
    browser
        .until(
            "both shops tell of the order",
            "document.querySelectorAll('#stories .outcome.cancelled').length === 2",
        )
        .await?;
    for _ in 0..3 {
        browser.press('j').await?;
    }
    browser.press('k').await?;
    let here = "document.querySelector('#stories .step-now b')?.textContent";
    browser.until("a step is shown", here).await?;
    let (address, step) = (browser.address().await?, browser.tell(here).await?);
    ensure!(address.contains("#order/"), "the address does not name the order: {address}");
    is_accessible(browser).await.context("a story")?;
    browser.reload().await?;
    browser.until("the same step of the same order", &format!("{here} === {step}")).await?;
    ensure!(browser.address().await? == address, "the address changed after a reload");
    Ok(())
}

fn recorded_run(folder: &Path) -> Result<PathBuf> {
    for entry in std::fs::read_dir(folder.join("runs"))? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with("-live") {
            return Ok(path);
        }
    }
    bail!("no run was recorded")
}

/// A program that serves a page until it is stopped.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    async fn start(cleave: &Path, folder: &Path, arguments: &[&str]) -> Result<Program> {
        let mut command = Command::new(cleave);
        command.arg("--folder").arg(folder).args(arguments).env("LC_ALL", "C");
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.kill_on_drop(true).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is a pipe")?).lines();
        let address = async {
            while let Some(line) = lines.next_line().await? {
                let word = line.split_whitespace().find(|word| {
                    word.starts_with("http") && word.ends_with(|c: char| c.is_alphanumeric() || c == '/')
                });
                if let Some(word) = word.filter(|word| arguments[0] == "replay" || word.contains("#token=")) {
                    return Ok(word.to_owned());
                }
            }
            bail!("`cleave {}` ended without an address", arguments.join(" "))
        };
        let address = timeout(UP, address).await.context("no address was printed")??;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Program { child, address })
    }

    async fn end(&mut self) -> Result<()> {
        let id = self.child.id().context("it had exited already")?;
        kill(Pid::from_raw(id.try_into()?), Signal::SIGINT)?;
        timeout(UP, self.child.wait()).await.context("it did not end")??;
        Ok(())
    }
}
