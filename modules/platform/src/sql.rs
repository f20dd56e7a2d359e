//! Statements as text, for what diesel's query builder cannot express. Prepared once per connection.
//!
//! The builder has no common table expressions and no `unnest`. It does have `UPDATE` and `DO UPDATE`, but diesel
//! parses and plans those anew at every call, like `sql_query`, which costs another round trip each time. [`sql`] takes
//! a constant text that diesel keeps prepared. A test prepares every such text on a migrated database.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::ToSql;
use diesel::sql_types::{HasSqlType, Untyped};

diesel::define_sql_function! {
    /// The database's clock right now. `now` would return the transaction's start.
    fn clock_timestamp() -> Timestamptz;
}

/// A statement with a constant text and `$1`, `$2` … for the values.
pub fn sql(text: &'static str) -> Sql {
    Sql(text)
}

/// See [`sql`].
#[derive(Debug, Clone, Copy)]
pub struct Sql(&'static str);

/// A statement with one more bound value.
#[derive(Debug, Clone, Copy)]
pub struct Bound<Inner, Type, Value> {
    inner: Inner,
    value: Value,
    sql_type: PhantomData<Type>,
}

impl Sql {
    /// Binds `$1`.
    pub fn bind<Type, Value>(self, value: Value) -> Bound<Self, Type, Value> {
        Bound { inner: self, value, sql_type: PhantomData }
    }
}

impl<Inner, T, V> Bound<Inner, T, V> {
    /// Binds the next value.
    pub fn bind<Type, Value>(self, value: Value) -> Bound<Self, Type, Value> {
        Bound { inner: self, value, sql_type: PhantomData }
    }
}

impl QueryFragment<Pg> for Sql {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.0);
        Ok(())
    }
}

impl<Inner, Type, Value> QueryFragment<Pg> for Bound<Inner, Type, Value>
where
    Inner: QueryFragment<Pg>,
    Pg: HasSqlType<Type>,
    Value: ToSql<Type, Pg>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.inner.walk_ast(out.reborrow())?;
        out.push_bind_param_value_only(&self.value)
    }
}

// The text is the key in diesel's statement cache, so there is no static id, and caching is always safe.
impl QueryId for Sql {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Inner, Type, Value> QueryId for Bound<Inner, Type, Value> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql {
    type SqlType = Untyped;
}

impl<Inner, Type, Value> Query for Bound<Inner, Type, Value> {
    type SqlType = Untyped;
}
