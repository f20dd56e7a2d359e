//! A browser that is used as a person would: Chromium through chromedriver, both from the system's packages.

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

/// How long anything may take on a machine that has other things to do.
const BOUND: Duration = Duration::from_secs(60);
/// The command that installs both, where there is Debian's package manager.
const INSTALL: [&str; 6] =
    ["apt-get", "install", "-y", "--no-install-recommends", "chromium", "chromium-driver"];

/// A page in a browser of its own.
#[derive(Debug)]
pub struct Browser {
    client: Client,
}

/// The programs that are needed.
struct Programs {
    driver: PathBuf,
    browser: PathBuf,
}

impl Browser {
    /// Opens a browser for `case`, and closes it whatever comes of it. `Some` says why there is none here.
    pub async fn with(case: impl AsyncFnOnce(&Browser) -> Result<()>) -> Result<Option<String>> {
        // Once for all cases: while one installs them, another would find programs that are there in part.
        static PROGRAMS: OnceCell<Result<Programs, String>> = OnceCell::const_new();
        let programs = match PROGRAMS.get_or_try_init(Programs::find).await? {
            Ok(programs) => programs,
            Err(why_not) => return Ok(Some(why_not.clone())),
        };
        let (mut driver, port) = programs.start_driver().await?;
        let browser = Browser { client: programs.session(port).await? };
        let outcome = case(&browser).await;
        let problems = browser.problems().await;
        // The driver ends its browser with the session, and not when it is killed.
        browser.client.close().await.context("the browser did not close")?;
        driver.kill().await.context("chromedriver did not end")?;
        outcome?;
        let problems = problems?;
        ensure!(problems.is_empty(), "the browser complains:\n{}", problems.join("\n"));
        Ok(None)
    }

    /// Opens an address.
    pub async fn open(&self, address: &str) -> Result<()> {
        self.client.goto(address).await.with_context(|| format!("cannot open {address}"))
    }

    /// Opens the same address again.
    pub async fn reload(&self) -> Result<()> {
        Ok(self.client.refresh().await?)
    }

    /// The address that it is at.
    pub async fn address(&self) -> Result<String> {
        Ok(self.client.current_url().await?.to_string())
    }

    /// What an expression of the page's language is.
    pub async fn tell(&self, expression: &str) -> Result<Value> {
        let answer = self.client.execute(&format!("return {expression}"), Vec::new()).await;
        answer.with_context(|| format!("the page cannot tell {expression}"))
    }

    /// Runs a script, and tells what it returns.
    pub async fn run(&self, script: &str) -> Result<Value> {
        Ok(self.client.execute(script, Vec::new()).await?)
    }

    /// Waits until an expression is true, or says what did not come about.
    pub async fn until(&self, what: &str, expression: &str) -> Result<()> {
        let started = Instant::now();
        while self.tell(&format!("!!({expression})")).await? != json!(true) {
            if started.elapsed() > BOUND {
                let seen = self.tell("document.body.innerText").await?;
                let seen: String = seen.as_str().unwrap_or_default().chars().take(3000).collect();
                bail!("{what}: not within {BOUND:?}. The page says:\n{seen}");
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Clicks what a selector names, as far as it can be seen and reached.
    pub async fn click(&self, selector: &str) -> Result<()> {
        let found = self.client.find(Locator::Css(selector)).await;
        found.with_context(|| format!("there is no {selector}"))?.click().await?;
        Ok(())
    }

    /// Writes into a field what it is to hold.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<()> {
        let field = self.client.find(Locator::Css(selector)).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Presses a key.
    pub async fn press(&self, key: char) -> Result<()> {
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        Ok(self.client.perform_actions(keys).await?)
    }

    /// A command of Chromium's own protocol.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value> {
        let body = json!({ "cmd": command, "params": parameters });
        Ok(self.client.issue_cmd(Own { path: "goog/cdp/execute", body }).await?)
    }

    /// Makes the window of this size, in pixels; below 500 it is a telephone.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await.map(drop)
    }

    /// What the browser wrote of errors: of scripts, and of what the page's policy forbids. Answers of an error's status
    /// are not among them.
    async fn problems(&self) -> Result<Vec<String>> {
        let log = self.client.issue_cmd(Own { path: "se/log", body: json!({ "type": "browser" }) }).await?;
        let lines = log.as_array().context("a log is a list")?.iter();
        let bad = lines.filter(|line| line["level"] == "SEVERE" && line["source"] != "network");
        Ok(bad.map(|line| line["message"].to_string()).collect())
    }
}

impl Programs {
    /// Those on this machine. Where one is missing it is installed if this is a run of CI; otherwise the answer is how.
    async fn find() -> Result<Result<Programs, String>> {
        if let Some(found) = Programs::here() {
            return Ok(Ok(found));
        }
        let command = INSTALL.join(" ");
        let why_not =
            format!("Chromium and chromedriver are not both on this machine; install with: {command}");
        if !env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1") || on_path("apt-get").is_none() {
            return Ok(Err(why_not));
        }
        let root = Uid::effective().is_root();
        let (program, arguments) = if root { (INSTALL[0], &INSTALL[1..]) } else { ("sudo", &INSTALL[..]) };
        let done = Command::new(program).args(arguments).stdin(Stdio::null()).output().await?;
        ensure!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        Programs::here().with_context(|| format!("still not there after: {command}")).map(Ok)
    }

    fn here() -> Option<Programs> {
        let named = env::var_os("CHROMEWEBDRIVER").map(|folder| PathBuf::from(folder).join("chromedriver"));
        let driver = named.filter(|path| path.exists()).or_else(|| on_path("chromedriver"))?;
        let browser = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(on_path)?;
        Some(Programs { driver, browser })
    }

    /// Starts chromedriver, which says itself at which port it listens.
    async fn start_driver(&self) -> Result<(Child, u16)> {
        let mut command = Command::new(&self.driver);
        command.arg("--port=0").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut driver = command.kill_on_drop(true).spawn().context("cannot start chromedriver")?;
        let mut lines = BufReader::new(driver.stdout.take().context("its output is ours")?).lines();
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
        // What it says later must not be in its way.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok((driver, port))
    }

    async fn session(&self, port: u16) -> Result<Client> {
        // Without a sandbox, because it cannot have one as root; it opens nothing but our own page.
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

/// A command that is chromedriver's own.
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
