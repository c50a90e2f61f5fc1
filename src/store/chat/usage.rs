//! The `usage_ledger` table: what every answer cost. Of days long ago, `usage_days` has the sums.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};

use crate::store::Transaction;
use crate::store::chat::schema::{usage_days, usage_ledger as table};
use crate::store::error::StoreError;
use crate::store::text_enum::text_enum;

text_enum! {
    /// What a model was asked for.
    Purpose("purpose of usage") {
        /// The answer to a request.
        Answer = "answer",
        /// A summary of what was said before.
        Summary = "summary",
    }
}

/// What one answer cost.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = table, check_for_backend(diesel::sqlite::Sqlite))]
pub struct UsageEntry {
    /// Where.
    pub conversation_id: String,
    /// For which request.
    pub request_id: String,
    /// Who made it.
    pub principal: String,
    /// The day, in UTC, as `YYYY-MM-DD`.
    pub day: String,
    /// When.
    pub at: String,
    /// Who was asked.
    pub provider: String,
    /// Which model.
    pub model: String,
    /// What for.
    pub purpose: Purpose,
    /// Tokens of what was asked.
    pub prompt_tokens: i64,
    /// Tokens of the answer.
    pub completion_tokens: i64,
    /// Those of what was asked that the provider had in a cache.
    pub cached_tokens: i64,
    /// What it cost, in millionths of the currency of the prices.
    pub cost_micros: i64,
    /// Whether the provider did not say, so that it was counted here.
    pub is_estimate: bool,
}

/// Adds an entry.
///
/// # Errors
/// The store's.
pub fn append(transaction: &mut Transaction<'_>, entry: &UsageEntry) -> Result<(), StoreError> {
    diesel::insert_into(table::table).values(entry).execute(transaction.connection())?;
    Ok(())
}

/// What was spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens, of what was asked and of what was answered.
    pub tokens: i64,
    /// Millionths of the currency of the prices.
    pub cost_micros: i64,
}

/// What the sums of a day are read by: nothing but the index, which has all of it.
pub(in crate::store) const SPENT_ON: &str = "SELECT SUM(prompt_tokens + completion_tokens) AS tokens, \
    SUM(cost_micros) AS cost_micros FROM usage_ledger WHERE day = ?";

#[derive(QueryableByName)]
struct Sums {
    #[diesel(sql_type = Nullable<BigInt>)]
    tokens: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    cost_micros: Option<i64>,
}

/// What was spent on a day, `YYYY-MM-DD` in UTC, of which the ledger has every entry.
///
/// # Errors
/// The store's.
pub fn spent_on(conn: &mut SqliteConnection, day: &str) -> Result<Spent, StoreError> {
    let read = diesel::sql_query(SPENT_ON).bind::<diesel::sql_types::Text, _>(day);
    let sums: Sums = read.get_result(conn)?;
    Ok(Spent { tokens: sums.tokens.unwrap_or(0), cost_micros: sums.cost_micros.unwrap_or(0) })
}

/// The entries of a day, summed up by whom and what they were for.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = usage_days, check_for_backend(diesel::sqlite::Sqlite))]
pub struct UsageDay {
    /// The day, in UTC, as `YYYY-MM-DD`.
    pub day: String,
    /// Who asked.
    pub principal: String,
    /// Who was asked.
    pub provider: String,
    /// Which model.
    pub model: String,
    /// What for.
    pub purpose: Purpose,
    /// How many entries these were.
    pub entries: i64,
    /// Tokens of what was asked.
    pub prompt_tokens: i64,
    /// Tokens of the answers.
    pub completion_tokens: i64,
    /// Those of what was asked that the provider had in a cache.
    pub cached_tokens: i64,
    /// What they cost, in millionths of the currency of the prices.
    pub cost_micros: i64,
    /// Whether some of it was counted here.
    pub is_estimate: bool,
}

impl UsageDay {
    /// The day with nothing in it yet, for entries like this one.
    fn like(entry: &UsageEntry) -> Self {
        Self {
            day: entry.day.clone(),
            principal: entry.principal.clone(),
            provider: entry.provider.clone(),
            model: entry.model.clone(),
            purpose: entry.purpose,
            entries: 0,
            prompt_tokens: 0,
            completion_tokens: 0,
            cached_tokens: 0,
            cost_micros: 0,
            is_estimate: false,
        }
    }

    fn add(&mut self, entry: &UsageEntry) {
        self.entries += 1;
        self.prompt_tokens = self.prompt_tokens.saturating_add(entry.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(entry.completion_tokens);
        self.cached_tokens = self.cached_tokens.saturating_add(entry.cached_tokens);
        self.cost_micros = self.cost_micros.saturating_add(entry.cost_micros);
        self.is_estimate |= entry.is_estimate;
    }
}

/// Sums up at most `limit` entries of the days before `day`, and returns how many those were.
///
/// # Errors
/// The store's.
pub fn sum_up_before(
    transaction: &mut Transaction<'_>,
    day: &str,
    limit: i64,
) -> Result<usize, StoreError> {
    let conn = transaction.connection();
    let old = table::table.filter(table::day.lt(day)).order(table::day).limit(limit);
    let old: Vec<(i64, UsageEntry)> =
        old.select((table::number, UsageEntry::as_select())).load(conn)?;
    let mut days = BTreeMap::new();
    for (_, entry) in &old {
        let key = (&entry.day, &entry.principal, &entry.provider, &entry.model);
        let of = days.entry((key, entry.purpose.as_str())).or_insert_with(|| UsageDay::like(entry));
        of.add(entry);
    }
    for sum in days.values() {
        let more = (
            usage_days::entries.eq(usage_days::entries + sum.entries),
            usage_days::prompt_tokens.eq(usage_days::prompt_tokens + sum.prompt_tokens),
            usage_days::completion_tokens.eq(usage_days::completion_tokens + sum.completion_tokens),
            usage_days::cached_tokens.eq(usage_days::cached_tokens + sum.cached_tokens),
            usage_days::cost_micros.eq(usage_days::cost_micros + sum.cost_micros),
            usage_days::is_estimate
                .eq(usage_days::is_estimate.or(sum.is_estimate.into_sql::<Bool>())),
        );
        let key = (
            usage_days::day,
            usage_days::principal,
            usage_days::provider,
            usage_days::model,
            usage_days::purpose,
        );
        diesel::insert_into(usage_days::table)
            .values(sum)
            .on_conflict(key)
            .do_update()
            .set(more)
            .execute(conn)?;
    }
    let numbers: Vec<i64> = old.iter().map(|(number, _)| *number).collect();
    diesel::delete(table::table.filter(table::number.eq_any(numbers))).execute(conn)?;
    Ok(old.len())
}

/// The sums of a day long ago.
///
/// # Errors
/// The store's.
pub fn summed_up(conn: &mut SqliteConnection, day: &str) -> Result<Vec<UsageDay>, StoreError> {
    let days = usage_days::table.filter(usage_days::day.eq(day));
    Ok(days.select(UsageDay::as_select()).load(conn)?)
}
