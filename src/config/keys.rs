//! The form of a declaration: what is known about one setting besides its value.

use super::load::Reader;
use super::settings::GROUPS;
use super::value::{Kind, Value};

/// One setting: how it is called everywhere, what it may be, and what it is otherwise.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Its name in the file, with the table it is in: `server.port`.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// The variables that set it; several are spellings of one setting.
    pub variables: &'static [&'static str],
    /// The option of the command line that sets it.
    pub flag: Option<&'static str>,
    pub(super) credential: Option<&'static str>,
    pub(super) kind: Kind,
    pub(super) fallback: Fallback,
}

/// A table of the file: settings that belong together.
#[derive(Debug, Clone, Copy)]
pub struct Group {
    /// The table's name.
    pub name: &'static str,
    /// What its settings are about.
    pub meaning: &'static str,
    /// Its settings, in the order of declaration.
    pub settings: &'static [Setting],
}

/// What a setting is when nobody set it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fallback {
    /// A value, written as a variable would have it.
    Fixed(&'static str),
    /// A value that depends on the machine or on settings declared earlier.
    Computed { words: &'static str, example: &'static str, compute: fn(&Reader<'_>) -> Value },
    /// No value; the example only shows how one looks.
    Nothing { example: &'static str },
}

/// Begins a declaration.
pub(super) const fn setting(name: &'static str, kind: Kind) -> Setting {
    Setting {
        name,
        meaning: "",
        variables: &[],
        flag: None,
        credential: None,
        kind,
        fallback: Fallback::Nothing { example: "" },
    }
}

impl Setting {
    pub(super) const fn variables(self, variables: &'static [&'static str]) -> Self {
        Self { variables, ..self }
    }

    pub(super) const fn flag(self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self }
    }

    /// The file below `$CREDENTIALS_DIRECTORY` that holds it when nothing else sets it.
    pub(super) const fn credential(self, name: &'static str) -> Self {
        Self { credential: Some(name), ..self }
    }

    pub(super) const fn default(self, value: &'static str) -> Self {
        Self { fallback: Fallback::Fixed(value), ..self }
    }

    pub(super) const fn computed(
        self,
        words: &'static str,
        example: &'static str,
        compute: fn(&Reader<'_>) -> Value,
    ) -> Self {
        Self { fallback: Fallback::Computed { words, example, compute }, ..self }
    }

    pub(super) const fn optional(self, example: &'static str) -> Self {
        Self { fallback: Fallback::Nothing { example }, ..self }
    }

    pub(super) const fn meaning(self, meaning: &'static str) -> Self {
        Self { meaning, ..self }
    }

    /// Whether its value must never be shown.
    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Seed | Kind::Keys | Kind::Webhooks)
    }

    /// The variable that names a file with the value, which only secrets have.
    pub fn file_variable(&self) -> Option<String> {
        let first = self.variables.first().filter(|_| self.is_secret())?;
        Some(format!("{first}_FILE"))
    }

    /// Its name within its table.
    pub(super) fn short_name(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, short)| short)
    }
}

/// Every setting, in the order of declaration.
pub(super) fn all_settings() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// The known name that is most like a wrong one, judged by the whole and by `tail`, what is left
/// of a name without its prefix.
pub(super) fn nearest<'a>(
    wrong: &str,
    known: impl Iterator<Item = &'a str>,
    tail: fn(&str) -> &str,
) -> &'a str {
    let alike = strsim::normalized_damerau_levenshtein;
    let likeness = |name: &str| alike(wrong, name) + alike(tail(wrong), tail(name));
    let best = known.max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    best.expect("there is always a setting, a table and a variable")
}

/// Turns the declaration of one group into its struct, the group of the table, and the function that
/// fills the struct from a [`Reader`].
///
/// The doc comments serve twice: as documentation of the fields and as the table's meanings.
macro_rules! declare_group {
    (
        $(#[doc = $group_doc:literal])+
        $group:ident: $group_type:ident {
            $(
                $(#[doc = $doc:literal])+
                $field:ident: $type:ty = $setting:expr;
            )+
        }
    ) => {
        $(#[doc = $group_doc])+
        #[derive(Debug, Clone)]
        pub struct $group_type {
            $( $(#[doc = $doc])+ pub $field: $type, )+
        }

        impl $group_type {
            /// The group in the table.
            pub(super) const GROUP: Group = Group {
                name: stringify!($group),
                meaning: concat!($($group_doc),+),
                settings: &[ $( $setting.meaning(concat!($($doc),+)) ),+ ],
            };

            /// Resolves the settings of the group, in the order of declaration.
            pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
                Ok(Self { $( $field: reader.read(&$setting)?, )+ })
            }
        }
    };
}
pub(super) use declare_group;

/// Turns declarations into one struct a group, [`Settings`](super::Settings) around them and the
/// table of all settings. Groups that are declared in files of their own are named at the end.
macro_rules! declare_settings {
    (
        $(
            $(#[doc = $group_doc:literal])+
            $group:ident: $group_type:ident { $($fields:tt)+ }
        )+
        elsewhere { $( $other:ident: $other_type:ident, )* }
    ) => {
        /// Everything that can be set, resolved and checked.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $( $(#[doc = $group_doc])+ pub $group: $group_type, )+
            $(
                #[doc = concat!("The group `", stringify!($other), "`.")]
                pub $other: $other_type,
            )*
        }

        $( declare_group! { $(#[doc = $group_doc])+ $group: $group_type { $($fields)+ } } )+

        /// Every setting, by table, in the order in which they are resolved and shown.
        pub static GROUPS: &[Group] = &[ $( $group_type::GROUP, )+ $( $other_type::GROUP, )* ];

        impl Settings {
            /// Resolves every setting, in the order of declaration.
            pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, ConfigError> {
                Ok(Self {
                    $( $group: $group_type::read(reader)?, )+
                    $( $other: $other_type::read(reader)?, )*
                })
            }
        }
    };
}
pub(super) use declare_settings;
