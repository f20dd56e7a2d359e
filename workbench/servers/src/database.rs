//! Connections to any PostgreSQL, and databases on it.

use std::error::Error as _;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use diesel::sql_types::Text;
use diesel::{ConnectionError, QueryableByName};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use reqwest::Url;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

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
    let explained = |reason: &str, code: Option<&SqlState>| {
        anyhow!("cannot use the PostgreSQL at {place}: {reason}. {}", advice(code))
    };
    // Not by `connect`: diesel-async does not tell the error's code.
    let (client, connection) = match tokio::time::timeout(LIMIT, tokio_postgres::connect(url, NoTls)).await {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            return Err(explained(&cause, error.code()));
        }
        Err(_) => return Err(explained(&format!("no answer within {LIMIT:?}"), None)),
    };
    let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
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

/// What to do, by what kind of error it is: its text is in the server's language (rule 45).
fn advice(code: Option<&SqlState>) -> &'static str {
    match code {
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            "Check the user and the password in --database-url."
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => {
            "Name a database that exists in --database-url; cleave creates its own beside it."
        }
        _ => "Is the server running, and are host, port, user and password in --database-url right?",
    }
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
    fn advice_is_by_the_code() {
        let for_code = |code| advice(Some(&SqlState::from_code(code)));
        assert!(for_code("28P01").contains("the user and the password"));
        assert!(for_code("28000").contains("the user and the password"), "a role that does not exist");
        assert!(for_code("3D000").contains("a database that exists"));
        assert!(advice(None).contains("host, port"));
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
