//! The `gate_moves` table: every move of a model into or out of a gate, from its intent on.

use diesel::deserialize::{FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::serialize::{IsNull, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::{Sqlite, SqliteValue};

use crate::store::Transaction;
use crate::store::error::StoreError;
use crate::store::schema::gate_moves;

macro_rules! word {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Text)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word, as the table and the wire spell it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }

        impl ToSql<Text, Sqlite> for $name {
            fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> diesel::serialize::Result {
                out.set_value(self.as_str());
                Ok(IsNull::No)
            }
        }

        impl FromSql<Text, Sqlite> for $name {
            fn from_sql(value: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
                match <String as FromSql<Text, Sqlite>>::from_sql(value)?.as_str() {
                    $($text => Ok(Self::$variant),)+
                    other => Err(format!("unknown word {other}").into()),
                }
            }
        }
    };
}

word! {
    /// What kind of move it is.
    MoveKind {
        /// A model enters a gate, in the place of another version or of none.
        Enter = "enter",
        /// What an entry displaced comes back.
        Restore = "restore",
        /// Somebody else moved it, and this is when it was seen.
        Observe = "observe",
    }
}

word! {
    /// How far a move is.
    MoveState {
        /// It is to be made; the registry may know of it or not.
        Intended = "intended",
        /// It was read back.
        Done = "done",
        /// It was not made, and never will be.
        Abandoned = "abandoned",
        /// Somebody else moved the gate in between.
        Conflict = "conflict",
    }
}

/// A move as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = gate_moves, check_for_backend(Sqlite), treat_none_as_default_value = false)]
pub struct GateMoveRow {
    /// Its number; it rises.
    pub id: i64,
    /// What the registry knows it by, however often it is told.
    pub key: String,
    /// The registry.
    pub registry: String,
    /// The model, without its version.
    pub model_name: String,
    /// The gate.
    pub gate: String,
    /// The model that was to enter, or that is to leave again.
    pub model_id: String,
    /// What kind of move.
    pub kind: MoveKind,
    /// What stood there before; nothing where it is `None`.
    pub before: Option<String>,
    /// What stands there after it.
    pub after: Option<String>,
    /// How far it is.
    pub state: MoveState,
    /// The canary that wanted it.
    pub canary_id: Option<String>,
    /// The entry that it undoes.
    pub undoes: Option<i64>,
    /// Who asked for it.
    pub actor: String,
    /// Why they did, in their words.
    pub reason: Option<String>,
    /// The evidence that was asked for, as JSON.
    pub evidence: Option<String>,
    /// The hash of the fact that tells of the intent.
    pub audit_hash: String,
    /// What stood there instead, in a conflict.
    pub found: Option<String>,
    /// What the registry said when it would not.
    pub trouble: Option<String>,
    /// What the registry calls the state after it.
    pub reference: Option<String>,
    /// When it was intended.
    pub created_at: String,
    /// When it was settled.
    pub settled_at: Option<String>,
}

impl GateMoveRow {
    /// The place that it is about.
    pub fn place(&self) -> Place<'_> {
        Place { registry: &self.registry, model_name: &self.model_name, gate: &self.gate }
    }
}

/// One model's place in one gate of one registry.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The registry.
    pub registry: &'a str,
    /// The model, without its version.
    pub model_name: &'a str,
    /// The gate.
    pub gate: &'a str,
}

/// How a move ended.
#[derive(Debug, Clone, Default, AsChangeset)]
#[diesel(table_name = gate_moves)]
pub struct Settlement {
    /// See [`GateMoveRow::state`].
    pub state: Option<MoveState>,
    /// See [`GateMoveRow::found`].
    pub found: Option<String>,
    /// See [`GateMoveRow::trouble`].
    pub trouble: Option<String>,
    /// See [`GateMoveRow::reference`].
    pub reference: Option<String>,
}

/// Adds a move under the next number, and returns it as it then stands.
///
/// # Errors
/// [`StoreError::Refused`] if another move of the same place is open.
pub fn insert(
    transaction: &mut Transaction<'_>,
    new: &GateMoveRow,
) -> Result<GateMoveRow, StoreError> {
    let conn = transaction.connection();
    let last = gate_moves::table.select(diesel::dsl::max(gate_moves::id));
    let id = last.first::<Option<i64>>(conn)?.unwrap_or(0) + 1;
    let row = GateMoveRow { id, ..new.clone() };
    diesel::insert_into(gate_moves::table).values(&row).execute(conn)?;
    Ok(row)
}

/// Keeps the hash of the fact that tells of a move.
pub fn keep_hash(transaction: &mut Transaction<'_>, row: &GateMoveRow) -> Result<(), StoreError> {
    diesel::update(gate_moves::table.find(row.id))
        .set(gate_moves::audit_hash.eq(&row.audit_hash))
        .execute(transaction.connection())?;
    Ok(())
}

/// Adds the conflict that a canary's restore met, unless the same is known already; says whether it
/// was added.
pub fn insert_conflict_once(
    transaction: &mut Transaction<'_>,
    new: &GateMoveRow,
) -> Result<bool, StoreError> {
    let known: Vec<Option<String>> = at(new.place())
        .filter(gate_moves::canary_id.eq(&new.canary_id))
        .filter(gate_moves::state.eq(MoveState::Conflict))
        .select(gate_moves::found)
        .load(transaction.connection())?;
    if known.contains(&new.found) {
        return Ok(false);
    }
    insert(transaction, new)?;
    Ok(true)
}

/// Ends a move that is open.
///
/// # Errors
/// [`StoreError::Stale`] if it is not open any more.
pub fn settle(
    transaction: &mut Transaction<'_>,
    id: i64,
    settlement: &Settlement,
) -> Result<GateMoveRow, StoreError> {
    let now = transaction.stamp();
    let open = gate_moves::table
        .filter(gate_moves::id.eq(id).and(gate_moves::state.eq(MoveState::Intended)));
    diesel::update(open)
        .set((settlement, gate_moves::settled_at.eq(now)))
        .returning(GateMoveRow::as_returning())
        .get_result(transaction.connection())
        .optional()?
        .ok_or(StoreError::Stale)
}

/// The moves that are open, oldest first.
pub fn open(conn: &mut SqliteConnection) -> Result<Vec<GateMoveRow>, StoreError> {
    let open = gate_moves::table.filter(gate_moves::state.eq(MoveState::Intended));
    Ok(open.order(gate_moves::id).select(GateMoveRow::as_select()).load(conn)?)
}

/// The move of a place that is open.
pub fn open_at(
    conn: &mut SqliteConnection,
    place: Place<'_>,
) -> Result<Option<GateMoveRow>, StoreError> {
    let row = at(place).filter(gate_moves::state.eq(MoveState::Intended));
    Ok(row.select(GateMoveRow::as_select()).first(conn).optional()?)
}

/// The last move of a place that was done.
pub fn last_done(
    conn: &mut SqliteConnection,
    place: Place<'_>,
) -> Result<Option<GateMoveRow>, StoreError> {
    let rows = at(place).filter(gate_moves::state.eq(MoveState::Done));
    let last = rows.order(gate_moves::id.desc());
    Ok(last.select(GateMoveRow::as_select()).first(conn).optional()?)
}

/// The move by which the holder of a place came there: the last one that was done, is no restore
/// and was not undone.
pub fn top(
    conn: &mut SqliteConnection,
    place: Place<'_>,
) -> Result<Option<GateMoveRow>, StoreError> {
    let restores = diesel::alias!(gate_moves as restores);
    let undone = restores
        .filter(restores.field(gate_moves::state).eq(MoveState::Done))
        .filter(restores.field(gate_moves::undoes).eq(gate_moves::id.nullable()))
        .select(restores.field(gate_moves::id));
    let rows = at(place)
        .filter(gate_moves::state.eq(MoveState::Done))
        .filter(gate_moves::kind.ne(MoveKind::Restore))
        .filter(diesel::dsl::not(diesel::dsl::exists(undone)))
        .order(gate_moves::id.desc());
    Ok(rows.select(GateMoveRow::as_select()).first(conn).optional()?)
}

#[diesel::dsl::auto_type]
fn at<'a>(place: Place<'a>) -> _ {
    let registry: &'a str = place.registry;
    let name: &'a str = place.model_name;
    let gate: &'a str = place.gate;
    gate_moves::table.filter(
        gate_moves::registry
            .eq(registry)
            .and(gate_moves::model_name.eq(name))
            .and(gate_moves::gate.eq(gate)),
    )
}

/// The move of a kind that a canary made, or is about to make, at a place.
pub fn of_canary(
    conn: &mut SqliteConnection,
    canary_id: &str,
    place: Place<'_>,
    kind: MoveKind,
) -> Result<Option<GateMoveRow>, StoreError> {
    let counts = gate_moves::state.eq_any([MoveState::Intended, MoveState::Done]);
    let row = at(place)
        .filter(gate_moves::canary_id.eq(canary_id).and(gate_moves::kind.eq(kind)).and(counts));
    Ok(row.select(GateMoveRow::as_select()).first(conn).optional()?)
}

/// The last move of each model name in a gate that was done by a moment, oldest first.
pub fn last_by(
    conn: &mut SqliteConnection,
    registry: &str,
    gate: &str,
    at: &str,
) -> Result<Vec<GateMoveRow>, StoreError> {
    let done = gate_moves::table
        .filter(gate_moves::registry.eq(registry).and(gate_moves::gate.eq(gate)))
        .filter(gate_moves::state.eq(MoveState::Done).and(gate_moves::settled_at.le(at)));
    let last: Vec<Option<i64>> = done
        .group_by(gate_moves::model_name)
        .select(diesel::dsl::max(gate_moves::id))
        .load(conn)?;
    let last: Vec<i64> = last.into_iter().flatten().collect();
    let rows = gate_moves::table.filter(gate_moves::id.eq_any(last)).order(gate_moves::id);
    Ok(rows.select(GateMoveRow::as_select()).load(conn)?)
}

/// Which moves a history wants.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// Only those of this registry.
    pub registry: String,
    /// Only those that this model took part in.
    pub model_id: Option<String>,
    /// Only those of this gate.
    pub gate: Option<String>,
    /// Only those before this one: the last of the page before.
    pub before: Option<i64>,
}

/// Lists moves, newest first.
pub fn history(
    conn: &mut SqliteConnection,
    filter: &HistoryFilter,
    limit: i64,
) -> Result<Vec<GateMoveRow>, StoreError> {
    let mut query = gate_moves::table
        .filter(gate_moves::registry.eq(&filter.registry))
        .order(gate_moves::id.desc())
        .limit(limit)
        .select(GateMoveRow::as_select())
        .into_boxed::<Sqlite>();
    if let Some(model) = &filter.model_id {
        let took_part = gate_moves::model_id
            .nullable()
            .eq(model)
            .or(gate_moves::before.eq(model))
            .or(gate_moves::after.eq(model));
        query = query.filter(took_part);
    }
    if let Some(gate) = &filter.gate {
        query = query.filter(gate_moves::gate.eq(gate));
    }
    if let Some(before) = filter.before {
        query = query.filter(gate_moves::id.lt(before));
    }
    Ok(query.load(conn)?)
}
