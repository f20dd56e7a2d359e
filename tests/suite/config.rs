//! A program that cannot start says what is wrong and what to do, and exits.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tests::{Driver, Stage};
use tokio::net::TcpListener;
use tokio::process::Command;
use uuid::Uuid;

/// A program that has not given up by then never will.
const BOUND: Duration = Duration::from_secs(60);

/// `EX_USAGE`.
const USAGE: i32 = 64;

/// The result of a program that did not start.
struct End {
    code: Option<i32>,
    said: String,
}

impl End {
    /// Fails unless it exited with this code, and its output contains all these words.
    fn is(&self, code: i32, words: &[&str]) -> Result<()> {
        ensure!(self.code == Some(code), "it exited with {:?} instead of {code}: {}", self.code, self.said);
        for word in words {
            ensure!(self.said.contains(word), "it does not say {word:?}: {}", self.said);
        }
        ensure!(!self.said.contains("panicked"), "it panicked: {}", self.said);
        Ok(())
    }
}

/// Runs a program that should exit by itself.
async fn run(
    programs: &Path,
    program: &str,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<End> {
    let mut command = Command::new(programs.join(program));
    command.args(arguments).envs(environment.iter().copied()).kill_on_drop(true);
    for inherited in ["DATABASE_URL", "AMQP_URL"] {
        if !environment.iter().any(|(name, _)| *name == inherited) {
            command.env_remove(inherited);
        }
    }
    let output = tokio::time::timeout(BOUND, command.output());
    let output =
        output.await.with_context(|| format!("{program} {arguments:?} neither started nor gave up"))??;
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Ok(End { code: output.status.code(), said })
}

/// The servers' URLs, with a new database.
async fn urls(stage: &Stage) -> Result<(String, String)> {
    let infrastructure = stage.infrastructure().await?;
    let name = format!("config-{}", Uuid::new_v4().simple());
    let database = infrastructure.postgres.create_database(&name).await?;
    Ok((database, infrastructure.amqp_url().context("the stage has a broker")?.to_owned()))
}

pub async fn bad_usage(stage: &Stage) -> Result<Option<String>> {
    let programs = stage.programs().await?;
    let url = ("DATABASE_URL", "postgres://u:p@127.0.0.1:1/x");
    let amqp = ("AMQP_URL", "amqp://127.0.0.1:1");
    for program in ["monolith", "orders-service"] {
        let bad = async |arguments: &[&str], more: &[(&str, &str)], words: &[&str]| {
            let environment: Vec<(&str, &str)> = [url, amqp].iter().chain(more).copied().collect();
            let end = run(programs, program, arguments, &environment).await?;
            end.is(USAGE, words).with_context(|| format!("{program} {arguments:?} {more:?}"))
        };
        bad(&[], &[("CLEAVE_POLL", "3")], &["CLEAVE_POLL", "CLEAVE_POOL"]).await?;
        bad(&["--colour", "red"], &[], &["--colour"]).await?;
        for pool in ["0", "-1", "many", "100000"] {
            bad(&[&format!("--pool={pool}")], &[], &["--pool", pool]).await?;
        }
        bad(&[], &[("CLEAVE_POOL", "0")], &["0"]).await?;
        bad(&["--port", "99999"], &[], &["--port", "99999"]).await?;
        bad(&["--database-url", "mysql://x"], &[], &["--database-url", "postgres://"]).await?;
    }
    let service = async |argument: &str, words: &[&str]| {
        let end = run(programs, "orders-service", &[argument], &[url, amqp]).await?;
        end.is(USAGE, words).with_context(|| argument.to_owned())
    };
    for prefetch in ["0", "-1"] {
        service(&format!("--prefetch={prefetch}"), &["--prefetch", prefetch]).await?;
    }
    service("--deliveries=0", &["--deliveries"]).await?;
    service("--amqp-url=http://x", &["--amqp-url", "amqp://"]).await?;
    service("--amqp-url=amqp://guest:guest@[2001:db8::1]:5672/%2f", &["--amqp-url", "IPv6"]).await?;
    run(programs, "monolith", &[], &[]).await?.is(USAGE, &["--database-url"])?;
    run(programs, "orders-service", &[], &[url]).await?.is(USAGE, &["--amqp-url"])?;
    run(programs, "gateway", &[], &[]).await?.is(USAGE, &["--registry"])?;
    Ok(None)
}

pub async fn a_port_in_use(stage: &Stage) -> Result<Option<String>> {
    let programs = stage.programs().await?;
    let (database, amqp) = urls(stage).await?;
    let taken = TcpListener::bind("127.0.0.1:0").await?;
    let port = taken.local_addr()?.port().to_string();
    let environment = [("DATABASE_URL", database.as_str()), ("AMQP_URL", amqp.as_str())];
    let namespace = format!("config-{}", Uuid::new_v4().simple());
    let service = ["--port", &port, "--namespace", &namespace];
    let words = ["port", port.as_str(), "--port"];
    run(programs, "catalog-service", &service, &environment).await?.is(1, &words)?;
    let (database, _) = urls(stage).await?;
    run(programs, "monolith", &["--port", &port], &[("DATABASE_URL", &database)]).await?.is(1, &words)?;
    Ok(None)
}

pub async fn a_database_out_of_reach(stage: &Stage) -> Result<Option<String>> {
    let programs = stage.programs().await?;
    let (database, amqp) = urls(stage).await?;
    let (_, place) = database.rsplit_once('@').context("a URL with a user")?;
    let (server, _) = place.rsplit_once('/').context("a URL with a database")?;
    // The kernel accepts connections to this port, but no program responds.
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let cases = [
        (format!("postgres://u:secret@{}/x", silent.local_addr()?), "no response within"),
        ("postgres://u:secret@127.0.0.1:1/x".to_owned(), "127.0.0.1:1"),
        (format!("postgres://cleave:secret@{place}"), "password"),
        (database.replace(place, &format!("{server}/nothing-here")), "nothing-here"),
    ];
    for program in ["monolith", "payments-service"] {
        for (url, word) in &cases {
            let end = run(programs, program, &[], &[("DATABASE_URL", url), ("AMQP_URL", &amqp)]).await?;
            end.is(1, &["database", word, "--database-url"]).with_context(|| format!("{program}, {word}"))?;
            ensure!(!end.said.contains("secret"), "{program} shows the password: {}", end.said);
        }
    }
    Ok(None)
}

pub async fn a_broker_out_of_reach(stage: &Stage) -> Result<Option<String>> {
    let programs = stage.programs().await?;
    let (database, amqp) = urls(stage).await?;
    let (_, place) = amqp.rsplit_once('@').context("a URL with a user")?;
    let cases = [
        ("amqp://u:secret@127.0.0.1:1".to_owned(), "127.0.0.1:1"),
        (format!("amqp://cleave:secret@{place}"), "password"),
    ];
    for (url, word) in &cases {
        let end =
            run(programs, "catalog-service", &[], &[("DATABASE_URL", &database), ("AMQP_URL", url)]).await?;
        end.is(1, &["broker", word, "--amqp-url"]).with_context(|| word.to_string())?;
        ensure!(!end.said.contains("secret"), "it shows the password: {}", end.said);
    }
    Ok(None)
}

pub async fn two_services_on_one_database(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::Orchestrated, infrastructure).await?;
    let environment =
        [("DATABASE_URL", world.databases.catalog.as_str()), ("AMQP_URL", world.amqp_url.as_str())];
    let arguments = ["--namespace", "config-two"];
    let end = run(stage.programs().await?, "inventory-service", &arguments, &environment).await?;
    end.is(1, &["database", "catalog"])?;
    world.still_works().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

pub async fn a_database_of_a_newer_program(stage: &Stage) -> Result<Option<String>> {
    let programs = stage.programs().await?;
    for program in ["monolith", "shipping-service"] {
        let (database, amqp) = urls(stage).await?;
        let mut connection = AsyncPgConnection::establish(&database).await?;
        connection
            .batch_execute(
                "CREATE TABLE __diesel_schema_migrations (
                     version varchar(50) PRIMARY KEY, run_on timestamp NOT NULL DEFAULT now());
                 INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231235959')",
            )
            .await?;
        let end = run(programs, program, &[], &[("DATABASE_URL", &database), ("AMQP_URL", &amqp)]).await?;
        end.is(1, &["20991231235959", "newer"]).with_context(|| program.to_owned())?;
    }
    Ok(None)
}

/// The migration's lock would stay with a session that another client uses, and the next instance would wait for it.
pub async fn a_pooler_that_shares_sessions(stage: &Stage) -> Result<Option<String>> {
    let programs = stage.programs().await?;
    let (database, amqp) = urls(stage).await?;
    let (user, place) = database.rsplit_once('@').context("a URL with a user")?;
    let (server, name) = place.split_once('/').context("a URL with a database")?;
    let (host, port) = server.rsplit_once(':').context("a URL with a port")?;
    let (user, password) = user.trim_start_matches("postgres://").split_once(':').unwrap_or((user, ""));
    let free = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port();
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
    let settings = folder.path().join("pgbouncer.ini");
    std::fs::write(
        &settings,
        format!(
            "[databases]\n* = host={host} port={port} user={user} password={password}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {free}\nunix_socket_dir =\nauth_type = any\n\
             pool_mode = transaction\n"
        ),
    )?;
    let mut pooler = Command::new("pgbouncer");
    pooler.arg(&settings).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    // It refuses to be root.
    if std::fs::metadata(folder.path())?.uid() == 0 {
        pooler.args(["-u", "nobody"]);
    }
    let Ok(_pooler) = pooler.spawn() else { return Ok(Some("pgbouncer is not installed".into())) };
    let url = format!("postgres://{user}@127.0.0.1:{free}/{name}");
    tests::eventually("the pooler responds", async || Ok(AsyncPgConnection::establish(&url).await.ok()))
        .await?;
    for program in ["monolith", "payments-service"] {
        let end = run(programs, program, &[], &[("DATABASE_URL", &url), ("AMQP_URL", &amqp)]).await?;
        end.is(1, &["pooler", "session mode", "--database-url"]).with_context(|| program.to_owned())?;
    }
    Ok(None)
}
