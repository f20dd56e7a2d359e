//! A program that cannot start says what is wrong and what to do, and exits.

use std::path::Path;
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
