//! What the code says about tables and columns matches a migrated database.
//!
//! Both `schema.rs` and statements are read as text, so that none can be left out. Those of a service are
//! inside a program, from which nothing can be imported.

mod literals;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use diesel::sql_types::{Array, Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use servers::{Infrastructure, ServerOptions};
use tests::Stage;

use crate::docs::checkout;
use crate::tidy::{files, read, without_complaints};
use literals::{Literal, texts};

/// The folders of the shop's code, which has the tables.
const SHOP: [&str; 3] = ["modules", "split", "monolith"];

/// The folders with statements about these tables. Only the shop's are limited to literals (by `platform::sql`).
const WITH_STATEMENTS: [&str; 4] = ["modules", "split", "monolith", "workbench"];

/// A table: its key and its columns, in order, with diesel's types.
#[derive(Debug, Default, PartialEq, Eq)]
struct Table {
    key: Vec<String>,
    columns: Vec<(String, String)>,
}

/// PostgreSQL alone, with one database that has the tables of every module, the services and the monolith.
pub struct Tables {
    infrastructure: Infrastructure,
    /// The URL of the database.
    pub url: String,
}

impl Tables {
    pub async fn new(stage: &Stage) -> Result<Tables> {
        let infrastructure = Infrastructure::find(stage.guard().await?, &ServerOptions::default()).await?;
        let url = infrastructure.postgres.create_database("cleave_tables").await?;
        let mut connection = AsyncPgConnection::establish(&url).await?;
        let mut migrations = sources(&SHOP, ".sql")?;
        migrations.retain(|path| path.ends_with("up.sql"));
        migrations
            .sort_by_key(|path| path.parent().and_then(|folder| folder.file_name()).map(ToOwned::to_owned));
        ensure!(migrations.len() >= 8, "only {} migrations were found", migrations.len());
        for path in migrations {
            let applied = connection.batch_execute(&read(&path)?).await;
            applied.with_context(|| format!("{} does not apply", path.display()))?;
        }
        Ok(Tables { infrastructure, url })
    }

    /// A connection whose commits do not wait for the disk. Nothing here outlives the server.
    pub async fn connect(&self) -> Result<AsyncPgConnection> {
        let mut connection = AsyncPgConnection::establish(&self.url).await?;
        connection.batch_execute("SET synchronous_commit = off").await?;
        Ok(connection)
    }

    pub async fn stop(self) -> Result<()> {
        self.infrastructure.stop().await
    }
}

/// All files of these folders whose path ends like this.
fn sources(folders: &[&str], end: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in folders {
        found.extend(files(&checkout().join(folder))?);
    }
    found.retain(|path| path.to_string_lossy().ends_with(end));
    Ok(found)
}

pub async fn tables_are_as_declared(stage: &Stage) -> Result<Option<String>> {
    let mut declared = BTreeMap::new();
    for path in sources(&SHOP, "schema.rs")? {
        declared.extend(declared_in(&read(&path)?));
    }
    let tables = Tables::new(stage).await?;
    let found = found_in(&mut tables.connect().await?).await?;
    tables.stop().await?;
    ensure!(found.len() >= 10, "only {} tables were found", found.len());
    without_complaints(differences(&declared, &found))?;
    Ok(None)
}

/// The tables of a `schema.rs`.
fn declared_in(text: &str) -> BTreeMap<String, Table> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let mut open: Option<String> = None;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if let Some((name, key)) = line.strip_suffix(") {").and_then(|line| line.split_once(" (")) {
            let key = key.split(", ").map(ToOwned::to_owned).collect();
            tables.insert(name.to_owned(), Table { key, columns: Vec::new() });
            open = Some(name.to_owned());
        } else if let (Some(name), Some((column, kind))) = (&open, line.split_once(" -> ")) {
            let column = (column.to_owned(), kind.trim_end_matches(',').to_owned());
            tables.entry(name.clone()).or_default().columns.push(column);
        }
    }
    tables
}

#[derive(QueryableByName)]
struct ColumnRow {
    #[diesel(sql_type = Text)]
    table: String,
    #[diesel(sql_type = Array<Text>)]
    key: Vec<String>,
    #[diesel(sql_type = Text)]
    column: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    required: bool,
}

const COLUMNS: &str = "SELECT n.nspname || '.' || c.relname AS table, a.attname::text AS column,
        format_type(a.atttypid, a.atttypmod) AS kind, a.attnotnull AS required,
        ARRAY(SELECT k.attname::text FROM pg_index i, pg_attribute k
              WHERE i.indrelid = c.oid AND i.indisprimary AND k.attrelid = c.oid AND k.attnum = ANY(i.indkey)
              ORDER BY array_position(i.indkey, k.attnum)) AS key
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1, a.attnum";

/// The tables of a database.
async fn found_in(connection: &mut AsyncPgConnection) -> Result<BTreeMap<String, Table>> {
    let rows: Vec<ColumnRow> = sql_query(COLUMNS).load(connection).await?;
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    for ColumnRow { table, key, column, kind, required } in rows {
        let kind = match kind.as_str() {
            "text" => "Text",
            "bigint" => "BigInt",
            "integer" => "Integer",
            "boolean" => "Bool",
            "uuid" => "Uuid",
            "jsonb" => "Jsonb",
            "bytea" => "Binary",
            "timestamp with time zone" => "Timestamptz",
            "double precision" => "Double",
            other => other,
        };
        let kind = if required { kind.to_owned() } else { format!("Nullable<{kind}>") };
        let table = tables.entry(table).or_default();
        table.key = key;
        table.columns.push((column, kind));
    }
    Ok(tables)
}

fn differences(declared: &BTreeMap<String, Table>, found: &BTreeMap<String, Table>) -> Vec<String> {
    let mut complaints = Vec::new();
    for (name, table) in found {
        match declared.get(name) {
            None => complaints.push(format!("no schema.rs declares the table {name}")),
            Some(said) if said != table => {
                complaints.push(format!("{name} is {table:?}, but its schema.rs says {said:?}"));
            }
            Some(_) => {}
        }
    }
    let missing = declared.keys().filter(|name| !found.contains_key(*name));
    complaints
        .extend(missing.map(|name| format!("a schema.rs declares {name}, but no migration creates it")));
    complaints
}

pub async fn every_text_is_a_statement(stage: &Stage) -> Result<Option<String>> {
    let tables = Tables::new(stage).await?;
    let mut connection = tables.connect().await?;
    let (mut complaints, mut prepared) = (Vec::new(), 0);
    for path in sources(&WITH_STATEMENTS, ".rs")? {
        // Tests of the workbench have tables of their own.
        if path.components().any(|folder| folder.as_os_str() == "tests") {
            continue;
        }
        for text in texts(&read(&path)?) {
            if !text.is_statement() {
                complaints.extend(text.in_sql.then(|| format!("{}: not SQL: {}", path.display(), text.text)));
                continue;
            }
            prepared += 1;
            let outcome = match text.filled() {
                Ok(text) => {
                    let prepare = format!("PREPARE statement AS {text}; DEALLOCATE statement");
                    connection.batch_execute(&prepare).await.map_err(|error| error.to_string())
                }
                Err(error) => Err(error),
            };
            if let Err(error) = outcome {
                complaints.push(format!("{}: {error}: {}", path.display(), text.text));
            }
        }
    }
    drop(connection);
    tables.stop().await?;
    ensure!(prepared >= 100, "only {prepared} statements were found");
    without_complaints(complaints)?;
    Ok(None)
}

pub fn the_readers_of_sources_read_all_of_it() -> Result<()> {
    let text = "// \"SELECT 0\"\nsql(\"SELECT \\\n    1\").x('\"'); let a = r#\"WITH \"b\"\"#; f(\"no\\\"t\", \"DELETE FROM c\")";
    let statements: Vec<String> =
        texts(text).into_iter().filter(Literal::is_statement).map(|literal| literal.text).collect();
    ensure!(statements == ["SELECT 1", "WITH \"b\"", "DELETE FROM c"], "{statements:?}");
    ensure!(texts("sql(\"EXPLAIN\")").iter().any(|literal| literal.in_sql && !literal.is_statement()));

    let filled = |text: &str| texts(text).remove(0).filled();
    ensure!(filled("\"SELECT {moment}, '{}'\"") == Ok("SELECT clock_timestamp(), '{}'".into()));
    ensure!(filled("\"SELECT {other}\"").is_err());
    ensure!(filled("\"SELECT $2\"") == Ok("WITH part AS (SELECT $2) SELECT $1::text FROM part".into()));

    let text = "table! {\n    /// a (b) {\n    s.t (a, b) {\n        a -> Text,\n        b -> Nullable<Uuid>,\n    }\n}";
    let declared = declared_in(text);
    let column = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    let table = |columns: &[(String, String)]| {
        BTreeMap::from([(
            "s.t".to_owned(),
            Table { key: vec!["a".into(), "b".into()], columns: columns.to_vec() },
        )])
    };
    let same = table(&[column("a", "Text"), column("b", "Nullable<Uuid>")]);
    ensure!(declared == same, "{declared:?}");
    for other in [
        table(&[column("a", "Text"), column("b", "Uuid")]),
        table(&[column("a", "Text")]),
        table(&[column("a", "Text"), column("c", "Nullable<Uuid>")]),
    ] {
        ensure!(differences(&declared, &other).len() == 1, "{other:?}");
    }
    ensure!(differences(&declared, &BTreeMap::new()).len() == 1);
    ensure!(differences(&BTreeMap::new(), &same).len() == 1);
    Ok(())
}
