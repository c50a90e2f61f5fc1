//! The `oauth_secrets` table: the digests of codes and tokens, each with its grant.

use diesel::prelude::*;

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::oauth::grants::GrantRow;
use crate::store::schema::{oauth_grants as grants, oauth_secrets as table};
use crate::store::text_enum::text_enum;

text_enum! {
    /// What a secret is for.
    SecretKind("kind of secret") {
        /// To get the first tokens, once.
        Code = "code",
        /// To be let in.
        Access = "access",
        /// To get the next tokens, once.
        Refresh = "refresh",
    }
}

/// A secret, without what makes it one.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct SecretRow {
    /// Its SHA-256 in hexadecimal.
    pub digest: String,
    /// What it was given out for.
    pub grant_id: String,
    /// What it is for.
    pub kind: SecretKind,
    /// Whether it was used up.
    pub spent: bool,
    /// When it was given out.
    pub issued_at: String,
    /// When it is no longer good.
    pub expires_at: String,
}

/// Adds a secret. Of its kind, the grant then has the newest `kept`; returns the digests of those
/// that went.
///
/// # Errors
/// The store's.
pub fn add(
    transaction: &mut Transaction<'_>,
    secret: &SecretRow,
    kept: i64,
) -> Result<Vec<String>, StoreError> {
    let conn = transaction.connection();
    diesel::insert_into(table::table).values(secret).execute(conn)?;
    let of_kind = table::table
        .filter(table::grant_id.eq(&secret.grant_id))
        .filter(table::kind.eq(secret.kind));
    let older = of_kind.order(table::issued_at.desc()).select(table::digest);
    // SQLite has no offset without a limit.
    let older: Vec<String> = older.limit(i64::MAX).offset(kept).load(conn)?;
    diesel::delete(table::table.filter(table::digest.eq_any(&older))).execute(conn)?;
    Ok(older)
}

/// The secret with this digest and its grant.
///
/// # Errors
/// The store's.
pub fn find(
    conn: &mut SqliteConnection,
    digest: &str,
) -> Result<Option<(SecretRow, GrantRow)>, StoreError> {
    let joined = table::table.inner_join(grants::table.on(grants::id.eq(table::grant_id)));
    let found = joined
        .filter(table::digest.eq(digest))
        .select((SecretRow::as_select(), GrantRow::as_select()))
        .first(conn);
    Ok(found.optional()?)
}

/// The same within a transaction.
///
/// # Errors
/// The store's.
pub fn find_to_use(
    transaction: &mut Transaction<'_>,
    digest: &str,
) -> Result<Option<(SecretRow, GrantRow)>, StoreError> {
    find(transaction.connection(), digest)
}

/// Notes that a secret was used up.
///
/// # Errors
/// The store's.
pub fn spend(transaction: &mut Transaction<'_>, digest: &str) -> Result<(), StoreError> {
    let change = table::spent.eq(true);
    diesel::update(table::table.find(digest)).set(change).execute(transaction.connection())?;
    Ok(())
}

/// Every access token that is still good, with its grant.
///
/// # Errors
/// The store's.
pub fn good_access(
    conn: &mut SqliteConnection,
    now: &str,
) -> Result<Vec<(SecretRow, GrantRow)>, StoreError> {
    let joined = table::table.inner_join(grants::table.on(grants::id.eq(table::grant_id)));
    let good = joined
        .filter(table::kind.eq(SecretKind::Access))
        .filter(table::expires_at.gt(now))
        .filter(grants::expires_at.gt(now))
        .select((SecretRow::as_select(), GrantRow::as_select()));
    Ok(good.load(conn)?)
}

/// Removes secrets whose time is over, and says how many.
///
/// # Errors
/// The store's.
pub fn remove_over(transaction: &mut Transaction<'_>) -> Result<usize, StoreError> {
    let over = table::table.filter(table::expires_at.le(transaction.stamp()));
    Ok(diesel::delete(over).execute(transaction.connection())?)
}
