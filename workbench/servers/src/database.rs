//! Connects to a PostgreSQL server, and creates and drops databases.

use std::error::Error as _;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use diesel::sql_types::Text;
use diesel::{ConnectionError, QueryableByName};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use reqwest::Url;
use tokio_postgres::NoTls;
use tokio_postgres::error::SqlState;

use crate::mark::COMMENT;
use crate::words;
use terminal::language::seconds;

const LIMIT: Duration = Duration::from_secs(10);

/// Connects, with a time limit.
pub async fn connect(url: &str) -> Result<AsyncPgConnection> {
    match tokio::time::timeout(LIMIT, AsyncPgConnection::establish(url)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(ConnectionError::BadConnection(reason))) => Err(anyhow!(reason)),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => bail!(words::no_answer(seconds(LIMIT))),
    }
}

/// Connects to a server that the user supplied. Returns its version, or an error for the user.
pub async fn check(url: &str) -> Result<String> {
    let place = shown(url)?;
    let explained = |reason: &str, code: Option<&SqlState>| {
        anyhow!(words::cannot_use_postgres(&place, reason, advice(code)))
    };
    // `connect` is of no use here, because diesel-async does not return the error's code.
    let (client, connection) = match tokio::time::timeout(LIMIT, tokio_postgres::connect(url, NoTls)).await {
        Ok(Ok(connected)) => connected,
        Ok(Err(error)) => {
            let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            return Err(explained(&cause, error.code()));
        }
        Err(_) => return Err(explained(&words::no_answer(seconds(LIMIT)), None)),
    };
    let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
    let query = diesel::sql_query("SELECT current_setting('server_version') AS value");
    let version = query
        .get_result::<Setting>(&mut connection)
        .await
        .with_context(|| words::no_version("PostgreSQL"))?;
    Ok(version.value.split(' ').next().unwrap_or_default().to_owned())
}

/// Creates a database.
pub async fn create(admin: &str, name: &str) -> Result<()> {
    let create = format!("CREATE DATABASE {}", quoted(name));
    let created = async {
        let mut connection = connect(admin).await?;
        connection.batch_execute(&create).await?;
        anyhow::Ok(connection.batch_execute(&comment_on(name)).await?)
    };
    created.await.with_context(|| words::cannot_create_database(name))
}

/// Drops a database, even if there are connections to it.
pub async fn drop(admin: &str, name: &str) -> Result<()> {
    execute(admin, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name)))
        .await
        .with_context(|| words::cannot_drop_database(name))
}

/// The same server's URL for another database.
pub fn with_database(url: &str, name: &str) -> Result<String> {
    let mut url = Url::parse(url).with_context(words::database_url_unreadable)?;
    url.set_path(name);
    Ok(url.into())
}

/// A URL without its password, for messages.
pub fn shown(url: &str) -> Result<String> {
    let mut url = Url::parse(url).map_err(|error| anyhow!(words::not_a_url(url, error)))?;
    if url.password().is_some() {
        // Fails only for a URL without a host, which has no password either.
        let _ = url.set_password(Some("***"));
    }
    Ok(url.into())
}

/// The advice for an error, by its SQLSTATE. The error's text is in the server's language: rule 45 (error kinds).
fn advice(code: Option<&SqlState>) -> String {
    match code {
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION) => {
            words::check_password()
        }
        Some(&SqlState::INVALID_CATALOG_NAME) => words::name_a_database(),
        _ => words::check_server_and_url(),
    }
}

/// The statement that marks a database as created by Cleave.
fn comment_on(name: &str) -> String {
    format!("COMMENT ON DATABASE {} IS '{COMMENT}'", quoted(name))
}

async fn execute(admin: &str, sql: &str) -> Result<()> {
    Ok(connect(admin).await?.batch_execute(sql).await?)
}

/// Quotes an identifier, which cannot be a bound parameter.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[derive(QueryableByName)]
struct Setting {
    #[diesel(sql_type = Text)]
    value: String,
}

#[cfg(test)]
mod tests {
    use terminal::language::{Language, with};

    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(shown("postgres://ann:secret@db:5432/shop").unwrap(), "postgres://ann:***@db:5432/shop");
        assert!(shown("not a url").is_err());
    }

    #[test]
    fn advice_is_by_the_code() {
        let english = |code: Option<&SqlState>| with(Language::English, || advice(code));
        let for_code = |code| english(Some(&SqlState::from_code(code)));
        assert!(for_code("28P01").contains("the user and the password"));
        assert!(for_code("28000").contains("the user and the password"), "a role that does not exist");
        assert!(for_code("3D000").contains("an existing database"));
        assert!(english(None).contains("host, port"));
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
