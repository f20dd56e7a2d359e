//! A browser that the tests use as a person would: Chromium through chromedriver, both from the system's
//! packages.

use std::env;
use std::path::PathBuf;
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::unistd::Uid;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep, timeout};

/// The limit for any one wait, on a busy machine.
const BOUND: Duration = Duration::from_secs(60);
/// Installs both on Debian and its relatives.
const INSTALL: [&str; 6] =
    ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "chromium-driver"];

/// One page, in its own browser.
#[derive(Debug)]
pub struct Browser {
    client: Client,
}

struct Programs {
    driver: PathBuf,
    browser: PathBuf,
}

impl Browser {
    /// Opens a browser for `case` and closes it in any case. Returns `Some` with the reason if there is no
    /// browser here.
    pub async fn with(case: impl AsyncFnOnce(&Browser) -> Result<()>) -> Result<Option<String>> {
        // Once for all cases: while one of them installs, another could find an incomplete installation.
        static PROGRAMS: OnceCell<Result<Programs, String>> = OnceCell::const_new();
        let programs = match PROGRAMS.get_or_try_init(Programs::find).await? {
            Ok(programs) => programs,
            Err(why_not) => return Ok(Some(why_not.clone())),
        };
        let (mut driver, port) = programs.start_driver().await?;
        let browser = Browser { client: programs.session(port).await? };
        let outcome = case(&browser).await;
        let problems = browser.problems().await;
        // The driver ends its browser when the session is closed, but not when it is killed.
        browser.client.close().await.context("the browser did not close")?;
        driver.kill().await.context("chromedriver did not end")?;
        outcome?;
        let problems = problems?;
        ensure!(problems.is_empty(), "the browser logged errors:\n{}", problems.join("\n"));
        Ok(None)
    }

    /// Opens an address.
    pub async fn open(&self, address: &str) -> Result<()> {
        self.client.goto(address).await.with_context(|| format!("cannot open {address}"))
    }

    /// Reloads the page.
    pub async fn reload(&self) -> Result<()> {
        Ok(self.client.refresh().await?)
    }

    /// The current address.
    pub async fn address(&self) -> Result<String> {
        Ok(self.client.current_url().await?.to_string())
    }

    /// Evaluates a JavaScript expression in the page.
    pub async fn tell(&self, expression: &str) -> Result<Value> {
        let answer = self.client.execute(&format!("return {expression}"), Vec::new()).await;
        answer.with_context(|| format!("the page cannot evaluate {expression}"))
    }

    /// Runs a script in the page and returns its result.
    pub async fn run(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// Waits until an expression is true. The error names `what` did not happen and quotes the page.
    pub async fn until(&self, what: &str, expression: &str) -> Result<()> {
        let started = Instant::now();
        while self.tell(&format!("!!({expression})")).await? != json!(true) {
            if started.elapsed() > BOUND {
                let seen = self.tell("document.body.innerText").await?;
                let seen: String = seen.as_str().unwrap_or_default().chars().take(3000).collect();
                bail!("{what}: not within {BOUND:?}. The page shows:\n{seen}");
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Clicks the first element that matches a CSS selector. It fails if the element is hidden or covered.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let found = self.client.find(Locator::Css(selector)).await;
        found.with_context(|| format!("no element matches {selector}"))?.click().await?;
        Ok(())
    }

    /// Replaces the text of a field.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let field = self.client.find(Locator::Css(selector)).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Presses and releases a key.
    pub async fn press(&self, key: char) -> Result<()> {
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        Ok(self.client.perform_actions(keys).await?)
    }

    /// Sends a command of the Chrome DevTools Protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        Ok(self.client.issue_cmd(Own { path: "goog/cdp/execute", body }).await?)
    }

    /// Sets the size of the window, in pixels. Below 500 pixels of width it acts as a phone.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await.map(drop)
    }

    /// The errors in the browser's log: from scripts, and from violations of the page's policy. HTTP error
    /// responses are left out.
    async fn problems(&self) -> Result<Vec<String>> {
        let log = self.client.issue_cmd(Own { path: "se/log", body: json!({ "type": "browser" }) }).await?;
        let lines = log.as_array().context("a log is a list")?.iter();
        let bad = lines.filter(|line| line["level"] == "SEVERE" && line["source"] != "network");
        Ok(bad.map(|line| line["message"].to_string()).collect())
    }
}

impl Programs {
    /// The programs on this machine. In CI a missing one is installed; elsewhere the inner `Err` says how to
    /// install it.
    async fn find() -> Result<Result<Programs, String>> {
        if let Some(found) = Programs::here() {
            return Ok(Ok(found));
        }
        let command = INSTALL.join(" ");
        let why_not = format!("Chromium or chromedriver is missing; install both with: {command}");
        if !env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1") || on_path("apt-get").is_none() {
            return Ok(Err(why_not));
        }
        let root = Uid::effective().is_root();
        let (program, arguments) = if root { (INSTALL[0], &INSTALL[1..]) } else { ("sudo", &INSTALL[..]) };
        let done = Command::new(program).args(arguments).stdin(Stdio::null()).output().await?;
        ensure!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        Programs::here().with_context(|| format!("still missing after: {command}")).map(Ok)
    }

    fn here() -> Option<Programs> {
        let named = env::var_os("CHROMEWEBDRIVER").map(|folder| PathBuf::from(folder).join("chromedriver"));
        let driver = named.filter(|path| path.exists()).or_else(|| on_path("chromedriver"))?;
        let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path)?;
        Some(Programs { driver, browser })
    }

    /// Starts chromedriver on a free port, and returns the port that it prints.
    async fn start_driver(&self) -> Result<(Child, u16)> {
        let mut command = Command::new(&self.driver);
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command.kill_on_drop(true).spawn().context("cannot start chromedriver")?;
        let mut lines = BufReader::new(driver.stdout.take().context("its output is a pipe")?).lines();
        let port = async {
            while let Some(line) = lines.next_line().await? {
                let port = line.split("successfully on port ").nth(1);
                if let Some(port) = port.and_then(|rest| rest.trim_end_matches('.').parse().ok()) {
                    return Ok(port);
                }
            }
            bail!("chromedriver ended")
        };
        let port = timeout(BOUND, port).await.context("chromedriver did not start")??;
        // Its later output must not block it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((driver, port))
    }

    async fn session(&self, port: u16) -> Result<Client> {
        // As root, Chromium cannot have a sandbox. It opens only our own page.
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
        let options = json!({ "binary": self.browser, "args": arguments });
        let capabilities =
            json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } });
        let capabilities = capabilities.as_object().cloned().unwrap_or_default();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let driver = format!("http://127.0.0.1:{port}");
        let connected = builder.capabilities(capabilities).connect(&driver);
        timeout(BOUND, connected)
            .await
            .context("the browser did not start")?
            .context("cannot start the browser")
    }
}

fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(program)).find(|path| path.is_file())
}

/// A command that only chromedriver has.
#[derive(Debug)]
struct Own {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Own {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
