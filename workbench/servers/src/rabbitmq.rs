//! A private RabbitMQ: a node with its own name, cookie, folders and ports: rule 44 (private broker).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;
use topology::BrokerControl;
use uuid::Uuid;

use super::programs::RabbitPrograms;
use super::{amqp, folder, ports};
use crate::guard::Guard;
use crate::process::{self, Process};
use crate::words;
use terminal::language::seconds;

/// The time limits of successive attempts to start, including recovery after a crash. A start usually takes 5 s.
///
/// About one start in twenty of RabbitMQ 3.10 was seen to stop half-way, with nothing in the log, and to succeed when
/// repeated. So there are further attempts, as a supervisor would make. The last limit is long enough for a slow
/// machine.
const READY: [Duration; 3] = [Duration::from_secs(40), Duration::from_secs(60), Duration::from_secs(180)];
/// How long closing its queues may take.
const GRACE: Duration = Duration::from_secs(10);
/// How long one `rabbitmqctl` may take, which starts its own Erlang.
const CTL: Duration = Duration::from_secs(180);

/// A running private RabbitMQ. Dropping it ends it and removes its data.
#[derive(Debug)]
pub struct RabbitMq {
    node: Node,
    // Dropped in this order: the node deregisters from epmd before that ends, and both end before the data is
    // removed.
    server: Process,
    epmd: Process,
    folder: TempDir,
    guard: Guard,
}

/// Whether the node has started before on its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Data {
    New,
    Kept,
}

/// The part that stays the same when the server restarts.
#[derive(Debug, Clone)]
struct Node {
    programs: RabbitPrograms,
    name: String,
    folder: PathBuf,
    port: u16,
    distribution_port: u16,
    epmd_port: u16,
    password: String,
}

impl RabbitMq {
    /// Starts a new node. `logs` is the folder for its log; with `None` it is the node's own folder.
    pub async fn start(guard: &Guard, programs: &RabbitPrograms, logs: Option<&Path>) -> Result<RabbitMq> {
        let folder = folder::create(guard, &folder::base())?;
        let secret = Uuid::new_v4().simple().to_string();
        let node = Node {
            programs: programs.clone(),
            name: format!("cleave-{}@localhost", &secret[..8]),
            folder: folder.path().to_owned(),
            port: ports::free()?,
            distribution_port: ports::free()?,
            epmd_port: ports::free()?,
            password: Uuid::new_v4().simple().to_string(),
        };
        node.write_settings()?;
        let epmd = node.start_epmd(guard)?;
        let log = logs.unwrap_or(folder.path()).join("rabbitmq.log");
        let server = node.serve(guard, &log, Data::New).await?;
        Ok(RabbitMq { node, server, epmd, folder, guard: guard.clone() })
    }

    /// The URL for clients.
    pub fn url(&self) -> String {
        format!("amqp://cleave:{}@127.0.0.1:{}/%2f", self.node.password, self.node.port)
    }

    /// The server's version, such as `3.10.8`.
    pub fn version(&self) -> &str {
        &self.node.programs.version
    }

    /// The root processes: the node, and Erlang's port mapper.
    pub fn pids(&self) -> Vec<u32> {
        vec![self.server.pid(), self.epmd.pid()]
    }

    /// Its ports of 127.0.0.1: for AMQP, for connections between nodes, and of the port mapper.
    pub fn ports(&self) -> [u16; 3] {
        [self.node.port, self.node.distribution_port, self.node.epmd_port]
    }

    /// Its data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Stops it gracefully and removes its data.
    pub async fn stop(self) -> Result<()> {
        self.server.stop(GRACE).await?;
        self.epmd.stop(GRACE).await
    }

    /// Kills the node at once, as in a power cut. Its data stays, for [`RabbitMq::restart`].
    pub fn kill_hard(&mut self) -> Result<()> {
        self.server.kill()
    }

    /// Starts the node on the same data and port, and waits until it has recovered and responds.
    pub async fn restart(&mut self) -> Result<()> {
        self.server.kill()?;
        let log = self.server.log().to_owned();
        self.server = self.node.serve(&self.guard, &log, Data::Kept).await?;
        Ok(())
    }

    /// How to ask this node what AMQP cannot: `rabbitmqctl` with everything that selects the node.
    pub fn control(&self) -> BrokerControl {
        let program = self.node.programs.program("rabbitmqctl");
        let mut command = Command::new(&program);
        self.node.environment(&mut command);
        let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
        let variable =
            |(name, value): (&std::ffi::OsStr, Option<&std::ffi::OsStr>)| Some((text(name), text(value?)));
        BrokerControl {
            command: [&text(program.as_os_str()), "--silent", "--node", &self.node.name]
                .map(String::from)
                .into(),
            environment: command.get_envs().filter_map(variable).collect(),
        }
    }

    /// Runs `rabbitmqctl` on this node and returns its output.
    pub async fn ctl(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(self.node.programs.program("rabbitmqctl"));
        self.node.environment(&mut command);
        command.args(["--silent", "--node", &self.node.name]).args(arguments);
        let run = tokio::process::Command::from(command).kill_on_drop(true).output();
        let what = format!("rabbitmqctl {}", arguments.join(" "));
        let output = tokio::time::timeout(CTL, run)
            .await
            .with_context(|| words::took_too_long(&what, seconds(CTL)))?
            .with_context(|| words::cannot_run(&what))?;
        if !output.status.success() {
            bail!(words::failed(what, String::from_utf8_lossy(&output.stderr).trim()));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Node {
    fn write_settings(&self) -> Result<()> {
        let settings = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\n\
             default_user = cleave\n\
             default_pass = {password}\n\
             disk_free_limit.absolute = 50MB\n\
             log.console = true\n\
             log.console.level = info\n\
             log.file = false\n",
            port = self.port,
            password = self.password
        );
        let plugins = "[].\n";
        for (name, text) in [("rabbitmq.conf", settings.as_str()), ("enabled_plugins", plugins)] {
            fs::write(self.folder.join(name), text).with_context(|| words::cannot_write(name))?;
        }
        Ok(())
    }

    /// A private `epmd` in the foreground. A node that finds none would start one that outlives it.
    fn start_epmd(&self, guard: &Guard) -> Result<Process> {
        let mut command = process::command(&self.programs.epmd);
        command.args(["-address", "127.0.0.1", "-port", &self.epmd_port.to_string()]);
        Process::start(guard, "epmd", command, &self.folder.join("epmd.log"))
    }

    /// Starts the server, and tries again if it does not respond in time.
    ///
    /// A first start that was cut off leaves data with which the node runs but cannot declare a quorum queue (*seen* on
    /// an overloaded machine), so new data is removed before the next attempt.
    async fn serve(&self, guard: &Guard, log: &Path, data: Data) -> Result<Process> {
        let [earlier @ .., last] = READY;
        for limit in earlier {
            if let Some(server) = self.try_to_serve(guard, log, limit).await? {
                return Ok(server);
            }
            if data == Data::New {
                let _ = fs::remove_dir_all(self.folder.join("data"));
            }
        }
        let said = || words::rabbitmq_not_ready(seconds(last), earlier.len());
        self.try_to_serve(guard, log, last).await?.with_context(said)
    }

    /// Returns `None` if the server does not respond in time, and ends it.
    async fn try_to_serve(&self, guard: &Guard, log: &Path, limit: Duration) -> Result<Option<Process>> {
        let mut command = process::command(&self.programs.program("rabbitmq-server"));
        self.environment(&mut command);
        let mut server = Process::start(guard, "RabbitMQ", command, log)?;
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = server.try_wait()? {
                return Err(server.ended(status));
            }
            match amqp::version("127.0.0.1", self.port).await {
                Ok(_) => return Ok(Some(server)),
                Err(error) if Instant::now() > deadline => {
                    let (state, said) = (server.state(), server.log_tail());
                    let why = format!("{error:#}");
                    terminal::note!("{}", words::rabbitmq_starts_again(seconds(limit), why, state, said));
                    server.kill()?;
                    return Ok(None);
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The environment of the server and of `rabbitmqctl`. Nothing is inherited, because a variable for another node,
    /// or a file in /etc, would affect this one.
    fn environment(&self, command: &mut Command) {
        let programs = [self.programs.erlang.as_path(), Path::new("/usr/bin"), Path::new("/bin")];
        let path = std::env::join_paths(programs).unwrap_or_default();
        let file = |name: &str| self.folder.join(name);
        let loopback = "-kernel inet_dist_use_interface {127,0,0,1}";
        command
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", path)
            .env("LANG", "C.UTF-8")
            .env("HOME", &self.folder)
            .env("RABBITMQ_NODENAME", &self.name)
            .env("RABBITMQ_DIST_PORT", self.distribution_port.to_string())
            .env("ERL_EPMD_PORT", self.epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", loopback)
            .env("RABBITMQ_CTL_ERL_ARGS", loopback)
            .env("RABBITMQ_MNESIA_BASE", file("data"))
            .env("RABBITMQ_LOG_BASE", file("log"))
            .env("RABBITMQ_LOGS", "-")
            .env("RABBITMQ_SCHEMA_DIR", file("schema"))
            .env("RABBITMQ_GENERATED_CONFIG_DIR", file("config"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins"))
            .env("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf"))
            // These files deliberately do not exist.
            .env("RABBITMQ_CONFIG_FILES", file("conf.d"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config"))
            .env("RABBITMQ_CONF_ENV_FILE", file("rabbitmq-env.conf"))
            // Makes the start script replace itself with the server. Otherwise a shell in front of it would respond
            // to signals by running rabbitmqctl.
            .env("RUNNING_UNDER_SYSTEMD", "true")
            .env("ERL_CRASH_DUMP_SECONDS", "0");
    }
}
