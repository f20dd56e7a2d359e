//! Connections to any PostgreSQL, and databases on it.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use diesel::sql_types::Text;
use diesel::{ConnectionError, QueryableByName};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use reqwest::Url;

const LIMIT: Duration = Duration::from_secs(10);

/// Connects, within a bounded time.
pub async fn connect(url: &str) -> Result<AsyncPgConnection> {
    match tokio::time::timeout(LIMIT, AsyncPgConnection::establish(url)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(ConnectionError::BadConnection(reason))) => Err(anyhow!(reason)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => bail!("no answer within {LIMIT:?}"),
    }
}

/// Connects to a server that the user named, or says in the user's terms why not, and answers its version.
pub async fn check(url: &str) -> Result<String> {
    let place = shown(url)?;
    let mut connection = connect(url).await.map_err(|error| explained(&place, &error))?;
    let query = diesel::sql_query("SELECT current_setting('server_version') AS value");
    let version =
        query.get_result::<Setting>(&mut connection).await.context("PostgreSQL does not tell its version")?;
    Ok(version.value.split(' ').next().unwrap_or_default().to_owned())
}

/// Creates a database.
pub async fn create(admin: &str, name: &str) -> Result<()> {
    execute(admin, &format!("CREATE DATABASE {}", quoted(name)))
        .await
        .with_context(|| format!("cannot create the database {name}"))
}

/// Drops a database, whoever is connected to it.
pub async fn drop(admin: &str, name: &str) -> Result<()> {
    execute(admin, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name)))
        .await
        .with_context(|| format!("cannot drop the database {name}"))
}

/// The same server's URL for another database.
pub fn with_database(url: &str, name: &str) -> Result<String> {
    let mut url = Url::parse(url).context("the database's URL cannot be read")?;
    url.set_path(name);
    Ok(url.into())
}

/// A URL as it may stand in a message: without the password.
pub fn shown(url: &str) -> Result<String> {
    let mut url = Url::parse(url).map_err(|error| anyhow!("{url:?} is not a URL: {error}"))?;
    if url.password().is_some() {
        // Only a URL that has no host refuses, and that has no password either.
        let _ = url.set_password(Some("***"));
    }
    Ok(url.into())
}

fn explained(place: &str, error: &anyhow::Error) -> anyhow::Error {
    let reason = format!("{error:#}");
    let advice = if reason.contains("password") || reason.contains("role") {
        "Check the user and the password in --database-url."
    } else if reason.contains("does not exist") {
        "Name a database that exists in --database-url; cleave creates its own beside it."
    } else {
        "Is the server running, and are host and port in --database-url right?"
    };
    anyhow!("cannot use the PostgreSQL at {place}: {reason}. {advice}")
}

async fn execute(admin: &str, sql: &str) -> Result<()> {
    Ok(connect(admin).await?.batch_execute(sql).await?)
}

/// An identifier cannot be a bound parameter.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("postgres://ann:secret@db:5432/shop").unwrap(), "postgres://ann:***@db:5432/shop");
        assert!(shown("not a url").is_err());
    }

    #[test]
    fn a_database_is_named_in_the_path() {
        let url = with_database("postgres://ann:secret@db:5432/shop?sslmode=disable", "other").unwrap();
        assert_eq!(url, "postgres://ann:secret@db:5432/other?sslmode=disable");
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(quoted(r#"a"; DROP"#), r#""a""; DROP""#);
    }
}
