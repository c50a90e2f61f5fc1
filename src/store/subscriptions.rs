//! The `subscriptions` table: who is told of events at an address of their own, and how far.
//!
//! The secrets that sign are in it, because nobody can sign with a digest. They are written over
//! when they are replaced, and with the row when it goes.

use diesel::connection::SimpleConnection as _;
use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteValue};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::subscriptions as table;

/// A secret in a column; no log shows it.
#[derive(Debug, Clone, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a secret.
    pub fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// The secret.
    pub fn reveal(&self) -> &SecretString {
        &self.0
    }

    /// Whether both are the same.
    pub fn is(&self, other: &Self) -> bool {
        let (one, other) = (self.0.expose_secret(), other.0.expose_secret());
        one.as_bytes().ct_eq(other.as_bytes()).into()
    }
}

impl ToSql<Text, Sqlite> for Secret {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> diesel::serialize::Result {
        out.set_value(self.0.expose_secret());
        Ok(IsNull::No)
    }
}

impl FromSql<Text, Sqlite> for Secret {
    fn from_sql(value: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
        let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
        Ok(Self(text.into()))
    }
}

/// Somebody who is told.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = table, check_for_backend(Sqlite))]
pub struct SubscriptionRow {
    /// Made of principal, address, name and arguments.
    pub id: String,
    /// Who asked for it.
    pub principal: String,
    /// Where events are posted.
    pub url: String,
    /// Which kind of events.
    pub name: String,
    /// Which of that kind: a JSON object with sorted members.
    pub arguments: String,
    /// What signs.
    pub secret: Secret,
    /// What signs as well.
    pub old_secret: Option<Secret>,
    /// Until when it does.
    pub old_secret_until: Option<String>,
    /// Everything up to this event was taken, was dropped or is not meant.
    pub seq: i64,
    /// When it was made.
    pub created_at: String,
    /// When it ends, unless somebody subscribes again before.
    pub expires_at: String,
    /// When telling was stopped because nothing was taken.
    pub suspended_at: Option<String>,
    /// When something was taken last.
    pub delivered_at: Option<String>,
    /// The kind of the newest failure in one word; none once something is taken.
    pub last_error: Option<String>,
    /// Since when nothing was taken.
    pub failed_since: Option<String>,
}

/// How many subscriptions there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// In all.
    pub all: usize,
    /// Of one principal.
    pub per_principal: usize,
}

/// Why no subscription was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// There are as many as there may be.
    Full,
    /// This principal has as many as it may.
    PrincipalFull,
}

/// What a subscription became.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The row as it stands now.
    pub row: SubscriptionRow,
    /// The row as it stood before, if it did.
    pub before: Option<SubscriptionRow>,
}

/// Every subscription, in the order of their ids.
pub fn all(conn: &mut SqliteConnection) -> Result<Vec<SubscriptionRow>, StoreError> {
    Ok(table::table.order(table::id).select(SubscriptionRow::as_select()).load(conn)?)
}

/// Finds a subscription.
pub fn find(conn: &mut SqliteConnection, id: &str) -> Result<Option<SubscriptionRow>, StoreError> {
    Ok(table::table.find(id).select(SubscriptionRow::as_select()).first(conn).optional()?)
}

/// Whether a principal has a subscription with this address that is not over by `now`, which means
/// that the address was asked.
pub fn is_verified(
    conn: &mut SqliteConnection,
    (principal, url): (&str, &str),
    now: &str,
) -> Result<bool, StoreError> {
    let rows = table::table
        .filter(table::principal.eq(principal))
        .filter(table::url.eq(url))
        .filter(table::expires_at.gt(now));
    Ok(diesel::select(diesel::dsl::exists(rows)).get_result(conn)?)
}

/// Whether there is room for one more of a principal, apart from one that is there already.
pub fn room(
    conn: &mut SqliteConnection,
    (id, principal): (&str, &str),
    bounds: Bounds,
) -> Result<Result<(), Refused>, StoreError> {
    let others = table::table.filter(table::id.ne(id));
    let full = |count: i64, most: usize| most <= usize::try_from(count).unwrap_or(usize::MAX);
    if full(others.count().get_result(conn)?, bounds.all) {
        return Ok(Err(Refused::Full));
    }
    let own = others.filter(table::principal.eq(principal)).count().get_result(conn)?;
    Ok(if full(own, bounds.per_principal) { Err(Refused::PrincipalFull) } else { Ok(()) })
}

/// Makes a subscription, or renews the one that is there: its end and its secret are those of
/// `row`, it is told again if that was stopped, and everything else stays. An older secret signs
/// until `grace`. One that is over by now makes place for a new one.
pub fn keep(
    transaction: &mut Transaction<'_>,
    row: &SubscriptionRow,
    grace: &str,
    bounds: Bounds,
) -> Result<Result<Kept, Refused>, StoreError> {
    let stamp = transaction.stamp();
    let conn = transaction.connection();
    let before = find(conn, &row.id)?;
    if before.as_ref().is_some_and(|before| before.expires_at.as_str() <= stamp) {
        overwriting(conn, |conn| diesel::delete(table::table.find(&row.id)).execute(conn))?;
    } else if let Some(before) = before {
        let mut now = before.clone();
        now.expires_at.clone_from(&row.expires_at);
        now.suspended_at = None;
        if !before.secret.is(&row.secret) {
            now.old_secret = Some(before.secret.clone());
            now.old_secret_until = Some(grace.to_owned());
            now.secret = row.secret.clone();
        }
        let change = (
            table::expires_at.eq(&now.expires_at),
            table::suspended_at.eq(&now.suspended_at),
            table::secret.eq(&now.secret),
            table::old_secret.eq(&now.old_secret),
            table::old_secret_until.eq(&now.old_secret_until),
        );
        overwriting(conn, |conn| {
            diesel::update(table::table.find(&row.id)).set(change).execute(conn)
        })?;
        return Ok(Ok(Kept { row: now, before: Some(before) }));
    }
    if let Err(refused) = room(conn, (&row.id, &row.principal), bounds)? {
        return Ok(Err(refused));
    }
    diesel::insert_into(table::table).values(row).execute(conn)?;
    Ok(Ok(Kept { row: row.clone(), before: None }))
}

/// Ends a subscription, and says whether there was one.
pub fn end(transaction: &mut Transaction<'_>, id: &str) -> Result<bool, StoreError> {
    let conn = transaction.connection();
    Ok(overwriting(conn, |conn| diesel::delete(table::table.find(id)).execute(conn))? == 1)
}

/// Ends a subscription that is over by `now`, and says whether there was such a one. What was renewed
/// in the meantime stays.
pub fn expire(transaction: &mut Transaction<'_>, id: &str, now: &str) -> Result<bool, StoreError> {
    let conn = transaction.connection();
    let over = table::table.filter(table::id.eq(id)).filter(table::expires_at.le(now));
    Ok(overwriting(conn, |conn| diesel::delete(over).execute(conn))? == 1)
}

/// Notes that everything up to an event was told, dropped or not meant.
pub fn advance(transaction: &mut Transaction<'_>, id: &str, seq: i64) -> Result<(), StoreError> {
    let row = table::table.find(id);
    diesel::update(row).set(table::seq.eq(seq)).execute(transaction.connection())?;
    Ok(())
}

/// Notes that an event was taken just now.
pub fn delivered(transaction: &mut Transaction<'_>, id: &str, seq: i64) -> Result<(), StoreError> {
    let none = None::<String>;
    let change = (
        table::seq.eq(seq),
        table::delivered_at.eq(transaction.stamp()),
        table::last_error.eq(&none),
        table::failed_since.eq(&none),
    );
    diesel::update(table::table.find(id)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Notes that an event was not taken just now, and why in one word.
pub fn failed(transaction: &mut Transaction<'_>, id: &str, error: &str) -> Result<(), StoreError> {
    let stamp = transaction.stamp();
    let conn = transaction.connection();
    diesel::update(table::table.find(id)).set(table::last_error.eq(error)).execute(conn)?;
    let first = table::table.find(id).filter(table::failed_since.is_null());
    diesel::update(first).set(table::failed_since.eq(stamp)).execute(conn)?;
    Ok(())
}

/// Notes that nothing is told any more until somebody subscribes again, and says whether that is so:
/// not if it was renewed or ended since this row was read.
pub fn suspend(
    transaction: &mut Transaction<'_>,
    row: &SubscriptionRow,
) -> Result<bool, StoreError> {
    let same = table::table.filter(table::id.eq(&row.id));
    let same = same.filter(table::expires_at.eq(&row.expires_at));
    let change = table::suspended_at.eq(transaction.stamp());
    Ok(diesel::update(same).set(change).execute(transaction.connection())? == 1)
}

/// Forgets a secret whose time is over.
pub fn forget_old_secret(transaction: &mut Transaction<'_>, id: &str) -> Result<(), StoreError> {
    let none = None::<String>;
    let change = (table::old_secret.eq(&none), table::old_secret_until.eq(&none));
    overwriting(transaction.connection(), |conn| {
        diesel::update(table::table.find(id)).set(change).execute(conn)
    })?;
    Ok(())
}

/// Makes a change after which nothing is left of what stood there before. SQLite would leave it in
/// the file until the place is needed.
fn overwriting(
    conn: &mut SqliteConnection,
    change: impl FnOnce(&mut SqliteConnection) -> QueryResult<usize>,
) -> Result<usize, StoreError> {
    conn.batch_execute("PRAGMA secure_delete = ON")?;
    let changed = change(conn);
    conn.batch_execute("PRAGMA secure_delete = OFF")?;
    Ok(changed?)
}
