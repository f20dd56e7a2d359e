//! The private servers, and that nothing of them stays behind. Tests run one at a time, because they look at a server's
//! ports and processes.

use std::io::Write;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use servers::guard::{self, Guard};
use servers::left::{self, OpenPaths};
use servers::{
    FoundBy, Infrastructure, Postgres, PostgresPrograms, RabbitMq, RabbitPrograms, Server, ServerOptions,
    connect, containers, install,
};

type Result<T = ()> = anyhow::Result<T>;

async fn postgres_programs() -> Result<PostgresPrograms> {
    install(&[Server::PostgreSql], false).await?;
    Ok(PostgresPrograms::find().expect("just installed"))
}

async fn rabbit_programs() -> Result<RabbitPrograms> {
    install(&[Server::RabbitMq], false).await?;
    Ok(RabbitPrograms::find().expect("just installed"))
}

/// Whether something listens on this port of 127.0.0.1.
fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// The processes whose working folder or arguments belong to the server in this folder.
#[cfg(target_os = "linux")]
fn processes_of(folder: &Path) -> Vec<String> {
    let folder = folder.display().to_string();
    let entries = std::fs::read_dir("/proc").expect("Linux has /proc").flatten();
    let numbered =
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(|c: char| c.is_ascii_digit()));
    let found = numbered.filter_map(|entry| {
        let arguments =
            String::from_utf8_lossy(&std::fs::read(entry.path().join("cmdline")).ok()?).into_owned();
        let working = std::fs::read_link(entry.path().join("cwd")).unwrap_or_default().display().to_string();
        (arguments.contains(&folder) || working.starts_with(&folder)).then_some(arguments)
    });
    found.collect()
}

#[cfg(not(target_os = "linux"))]
fn processes_of(_folder: &Path) -> Vec<String> {
    Vec::new()
}

/// Checks that a stopped server left nothing behind.
fn assert_gone(folder: &Path, ports: &[u16]) {
    assert!(!folder.exists(), "{} is still there", folder.display());
    assert_eq!(processes_of(folder), Vec::<String>::new());
    for port in ports {
        assert!(!listens(*port), "port {port} is still open");
    }
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "after 60 s still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn two_postgres_live_side_by_side_and_leave_nothing() -> Result {
    let (guard, programs) = (Guard::start()?, postgres_programs().await?);
    let (one, two) = tokio::try_join!(
        Postgres::start(&guard, &programs, None, None),
        Postgres::start(&guard, &programs, None, None)
    )?;
    for server in [&one, &two] {
        let mut connection = connect(&server.url("postgres")).await?;
        connection.batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").await?;
    }
    let left = [&one, &two].map(|server| (server.folder().to_owned(), server.port()));
    assert!(!processes_of(&left[0].0).is_empty(), "the check below would see processes if there were some");
    one.stop().await?;
    assert_gone(&left[0].0, &[left[0].1]);
    drop(two);
    assert_gone(&left[1].0, &[left[1].1]);
    Ok(())
}

#[tokio::test]
async fn what_is_left_is_known_to_be_ours() -> Result {
    let (guard, programs) = (Guard::start()?, postgres_programs().await?);
    let server = Postgres::start(&guard, &programs, None, None).await?;
    let folders = left::folders(&OpenPaths::look());
    let ours = folders.iter().find(|folder| folder.path == server.folder());
    assert!(ours.is_some_and(|folder| folder.in_use), "{folders:?}");
    assert!(left::remove_folder(ours.unwrap()).is_err(), "its owner runs");

    // From now on the server is a foreign one, given by its URL.
    let url = server.url("postgres");
    let options = ServerOptions { database_url: Some(url.clone()), ..ServerOptions::default() };
    let infra = Infrastructure::find(&guard, &options).await?;
    infra.postgres.create_database("shop-1").await?;
    let mut connection = connect(&url).await?;
    connection.batch_execute("CREATE DATABASE cleave_01234567_thesis").await?;
    let found = left::databases(&url).await?;
    let names: Vec<&str> = found.iter().map(|database| database.name.as_str()).collect();
    assert!(names.len() == 1 && names[0].ends_with("_shop-1"), "one has no mark of ours: {names:?}");
    let in_use = connect(&infra.postgres.url("shop-1")?).await?;
    assert!(left::remove_database(&url, names[0]).await.is_err(), "it is in use");
    drop(in_use);
    // The server takes a while to notice that the session is gone.
    let removed = async { while left::remove_database(&url, names[0]).await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(60), removed).await?;
    assert_eq!(left::databases(&url).await?.len(), 0);
    infra.stop().await?;
    server.stop().await
}

#[tokio::test]
async fn postgres_keeps_what_was_committed_through_a_crash() -> Result {
    let (guard, programs) = (Guard::start()?, postgres_programs().await?);
    let mut server = Postgres::start(&guard, &programs, None, None).await?;
    let mut connection = connect(&server.url("postgres")).await?;
    connection.batch_execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)").await?;
    connection.batch_execute("BEGIN; INSERT INTO kept VALUES (2); PREPARE TRANSACTION 'in doubt'").await?;
    server.kill_hard()?;
    assert_eq!(processes_of(server.folder()), Vec::<String>::new());
    assert!(!listens(server.port()));
    server.restart().await?;
    let mut connection = connect(&server.url("postgres")).await?;
    connection.batch_execute("COMMIT PREPARED 'in doubt'").await?;
    connection.batch_execute("SELECT 1 / (count(*) = 2)::int FROM kept").await?;
    server.stop().await
}

/// A small file system, unmounted on drop.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None`, with the reason on standard error, if this user may not mount one.
    fn mount() -> Result<Option<SmallDisk>> {
        let folder = tempfile::tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256m,mode=755", "tmpfs"]).arg(folder.path());
        match mount.output() {
            Ok(mounted) if mounted.status.success() => Ok(Some(SmallDisk(folder))),
            Ok(refused) => {
                eprintln!(
                    "NOT TESTED: no file system can be mounted: {}",
                    String::from_utf8_lossy(&refused.stderr)
                );
                Ok(None)
            }
            Err(error) => {
                eprintln!("NOT TESTED: no file system can be mounted: {error}");
                Ok(None)
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn postgres_keeps_what_was_committed_through_a_full_disk() -> Result {
    let (guard, programs) = (Guard::start()?, postgres_programs().await?);
    let mut whole = Postgres::start(&guard, &programs, None, None).await?;
    let refused = whole.fill_disk().await.expect_err("the disk of this machine was filled").to_string();
    assert!(refused.contains("--disk"), "{refused}");
    whole.stop().await?;

    let Some(disk) = SmallDisk::mount()? else { return Ok(()) };
    let mut server = Postgres::start(&guard, &programs, None, Some(disk.0.path())).await?;
    let mut connection = connect(&server.url("postgres")).await?;
    connection
        .batch_execute("CREATE TABLE kept (id int, text text); INSERT INTO kept VALUES (1, '')")
        .await?;
    server.fill_disk().await?;
    // More than fits into the existing files of the write-ahead log.
    let much = "INSERT INTO kept SELECT n, repeat('x', 1000) FROM generate_series(1, 100000) n";
    assert!(connection.batch_execute(much).await.is_err(), "there was room for 100 MB on a full disk");
    assert!(server.free_disk().await? > 0, "no error reported the full disk");
    let mut connection = connect(&server.url("postgres")).await?;
    connection.batch_execute("SELECT 1 / (count(*) = 1)::int FROM kept").await?;
    connection.batch_execute("INSERT INTO kept VALUES (2, '')").await?;
    server.stop().await
}

#[tokio::test]
async fn rabbitmq_keeps_its_address_through_a_crash_and_leaves_nothing() -> Result {
    let (guard, programs) = (Guard::start()?, rabbit_programs().await?);
    let mut server = RabbitMq::start(&guard, &programs, None).await?;
    let (folder, ports, url) = (server.folder().to_owned(), server.ports(), server.url());
    assert!(ports.iter().all(|port| listens(*port)));
    assert!(
        server.ctl(&["status"]).await?.contains(&folder.display().to_string()),
        "its data is in our folder"
    );
    server.kill_hard()?;
    assert!(!listens(ports[0]));
    server.restart().await?;
    assert_eq!(server.url(), url);
    server.stop().await?;
    assert_gone(&folder, &ports);
    Ok(())
}

#[tokio::test]
async fn servers_are_found_by_url_too_and_only_our_databases_go() -> Result {
    let guard = Guard::start()?;
    install(&[Server::PostgreSql, Server::RabbitMq], false).await?;
    let options = ServerOptions { needs_broker: true, ..ServerOptions::default() };
    let private = Infrastructure::find(&guard, &options).await?;
    let theirs = private.postgres.create_database("theirs").await?;
    let amqp = private.amqp_url().expect("a broker was asked for").to_owned();
    assert_eq!(private.pids().len(), 3);

    let named =
        ServerOptions { database_url: Some(theirs.clone()), amqp_url: Some(amqp.clone()), ..options.clone() };
    let ours = Infrastructure::find(&guard, &named).await?;
    assert_eq!(ours.postgres.running.found_by(), FoundBy::Url);
    assert_eq!(ours.postgres.version(), private.postgres.version());
    assert_eq!(
        ours.rabbitmq.as_ref().expect("asked for").version(),
        private.rabbitmq.as_ref().expect("too").version()
    );
    let database = ours.postgres.create_database("monolith").await?;
    connect(&database).await?;
    ours.stop().await?;
    assert!(connect(&database).await.is_err(), "ours was dropped");
    connect(&theirs).await?;

    let wrong = |url: &str| url.replacen(":", "#", 1).replace("cleave:", "cleave:x").replacen("#", ":", 1);
    let error =
        check(&guard, ServerOptions { database_url: Some(wrong(&theirs)), ..ServerOptions::default() }).await;
    assert!(
        error.contains("password") && error.contains("--database-url") && !error.contains(&wrong(&theirs)),
        "{error}"
    );
    let error = check(&guard, ServerOptions { amqp_url: Some(wrong(&amqp)), ..named.clone() }).await;
    assert!(error.contains("ACCESS_REFUSED") && error.contains("--amqp-url"), "{error}");
    private.stop().await
}

#[tokio::test]
async fn an_unreachable_server_is_said_to_be_so() -> Result {
    let guard = Guard::start()?;
    let url = Some("postgres://ann:secret@127.0.0.1:1/shop".to_owned());
    let error = check(&guard, ServerOptions { database_url: url, ..ServerOptions::default() }).await;
    assert!(
        error.contains("127.0.0.1:1") && error.contains("--database-url") && !error.contains("secret"),
        "{error}"
    );
    let url = Some("no url".to_owned());
    let error = check(&guard, ServerOptions { database_url: url, ..ServerOptions::default() }).await;
    assert!(error.contains("not a URL"), "{error}");
    Ok(())
}

async fn check(guard: &Guard, options: ServerOptions) -> String {
    let error = Infrastructure::find(guard, &options).await.expect_err("it cannot be used");
    format!("{error:#}")
}

/// A parent that is killed can do nothing; only the guard is left, with a closed pipe.
#[test]
fn the_guard_ends_what_a_killed_parent_leaves() -> Result {
    let folder = tempfile::tempdir()?.keep();
    let mut stubborn = Command::new("sh");
    stubborn.args(["-c", "trap '' TERM; setsid sleep 1000 & sleep 1000; sleep 1000"]).current_dir(&folder);
    let mut stubborn = stubborn.process_group(0).spawn()?;
    let mut forgotten = Command::new("sleep").arg("1000").process_group(0).spawn()?;
    eventually("the shell has its children", || processes_of(&folder).len() == 3);

    let mut guard = Command::new(guard::executable()?).arg(guard::COMMAND).stdin(Stdio::piped()).spawn()?;
    let mut pipe = guard.stdin.take().expect("it was asked for");
    let (pid, other) = (stubborn.id(), forgotten.id());
    write!(pipe, "process {pid}\nprocess {other}\nforget process {other}\nfolder {}\n", folder.display())?;
    drop(pipe);
    stubborn.wait()?;
    guard.wait()?;
    assert_gone(&folder, &[]);
    assert!(forgotten.try_wait()?.is_none(), "what was forgotten is left alone");
    forgotten.kill()?;
    forgotten.wait()?;
    Ok(())
}

#[tokio::test]
async fn nothing_survives_a_parent_that_is_killed() -> Result {
    postgres_programs().await?;
    rabbit_programs().await?;
    let said = tempfile::NamedTempFile::new()?;
    let mut parent = Command::new(std::env::current_exe()?)
        .args(["--exact", "a_parent_that_another_test_kills", "--ignored"])
        .env(SAY, said.path())
        .stdout(Stdio::null())
        .spawn()?;
    let lines = || std::fs::read_to_string(&said).unwrap_or_default();
    let deadline = Instant::now() + Duration::from_secs(60);
    while lines().lines().count() < 2 {
        assert!(Instant::now() < deadline && parent.try_wait()?.is_none(), "the parent does not come up");
        std::thread::sleep(Duration::from_millis(50));
    }
    let folders: Vec<PathBuf> = lines().lines().map(PathBuf::from).collect();
    assert!(folders.iter().all(|folder| !processes_of(folder).is_empty()));
    parent.kill()?;
    parent.wait()?;
    for folder in folders {
        eventually("the servers are gone", || !folder.exists() && processes_of(&folder).is_empty());
    }
    Ok(())
}

/// The environment variable with the file to which the parent writes the folders of its servers.
const SAY: &str = "INFRA_TEST_SAY";

#[tokio::test]
#[ignore = "it is the child process of the test above, which starts it by name and kills it"]
async fn a_parent_that_another_test_kills() -> Result {
    let options = ServerOptions { needs_broker: true, ..ServerOptions::default() };
    let mut found = Infrastructure::find(&Guard::start()?, &options).await?;
    let postgres = found.postgres.running.private().expect("a private server").folder();
    let rabbitmq =
        found.rabbitmq.as_mut().expect("asked for").running.private().expect("a private server").folder();
    std::fs::write(std::env::var(SAY)?, format!("{}\n{}\n", postgres.display(), rabbitmq.display()))?;
    std::future::pending().await
}

#[test]
fn the_doctor_says_what_is_missing_and_answers_2() -> Result {
    let empty = tempfile::tempdir()?;
    let output = Command::new(guard::executable()?)
        .args(["doctor", "--json", "-"])
        .env("PATH", empty.path())
        .stdin(Stdio::null())
        .output()?;
    let findings: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(findings["schema"], "cleave.doctor/1");
    assert_eq!(findings["checks"][0]["name"], "Rust");
    assert_eq!(findings["checks"][0]["state"], "missing");
    assert_eq!(output.status.code(), Some(2));
    Ok(())
}

#[tokio::test]
async fn containers_where_a_docker_engine_answers() -> Result {
    if let Err(reason) = containers::engine().await {
        // Not eprintln!, which the test harness would capture.
        writeln!(std::io::stderr(), "containers_where_a_docker_engine_answers did not run: {reason:#}")?;
        return Ok(());
    }
    let guard = Guard::start()?;
    let ((_postgres, database), (_rabbitmq, broker)) =
        tokio::try_join!(containers::postgres(&guard), containers::rabbitmq(&guard))?;
    let options = ServerOptions {
        database_url: Some(database),
        amqp_url: Some(broker),
        needs_broker: true,
        ..ServerOptions::default()
    };
    let found = Infrastructure::find(&guard, &options).await?;
    connect(&found.postgres.create_database("monolith").await?).await?;
    found.stop().await
}
