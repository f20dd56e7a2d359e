//! Connects to a PostgreSQL server, and creates and drops databases.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use diesel::sql_types::Text;
use diesel::{ConnectionError, QueryableByName};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use reqwest::Url;

use crate::{left, words};
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
    let mut connection = connect(url).await.map_err(|error| explained(&place, &error))?;
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
        anyhow::Ok(connection.batch_execute(&left::comment_on(name)).await?)
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

fn explained(place: &str, error: &anyhow::Error) -> anyhow::Error {
    let reason = format!("{error:#}");
    let advice = if reason.contains("password") || reason.contains("role") {
        words::check_password()
    } else if reason.contains("does not exist") {
        words::name_a_database()
    } else {
        words::check_host_and_port()
    };
    anyhow!(words::cannot_use_postgres(place, reason, advice))
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
