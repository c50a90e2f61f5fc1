//! What a token is for: two scopes, of which the broader one includes the other.

/// A scope, the narrower one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// See everything, and change nothing.
    Read,
    /// Everything.
    Operate,
}

impl Scope {
    /// The names of all scopes, as lists of them write them.
    pub const NAMES: [&'static str; 2] = ["read", "operate"];

    /// The broadest scope in a list with blanks between them; `None` when none of ours is there.
    /// Scopes of others are none of our business.
    pub fn broadest(list: &str) -> Option<Self> {
        list.split(' ').filter_map(Self::named).max()
    }

    fn named(name: &str) -> Option<Self> {
        match name {
            "read" => Some(Self::Read),
            "operate" => Some(Self::Operate),
            _ => None,
        }
    }

    /// All that it includes, as a list.
    pub fn as_list(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "read operate",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broadest_scope_of_a_list_counts_and_those_of_others_do_not() {
        for (list, expected) in [
            ("", None),
            ("openid profile", None),
            ("read", Some(Scope::Read)),
            ("operate", Some(Scope::Operate)),
            ("operate read", Some(Scope::Operate)),
            ("openid read offline_access", Some(Scope::Read)),
            ("Read OPERATE", None),
            ("read,operate", None),
            ("read:all operate.all", None),
        ] {
            assert_eq!(Scope::broadest(list), expected, "{list:?}");
        }
    }

    #[test]
    fn a_scope_reads_back_from_its_own_list() {
        for scope in [Scope::Read, Scope::Operate] {
            assert_eq!(Scope::broadest(scope.as_list()), Some(scope));
        }
        assert_eq!(Scope::Operate.as_list(), Scope::NAMES.join(" "));
    }
}
