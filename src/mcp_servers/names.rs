//! Under which name does a model see a tool? Pure.

use crate::store::sha256_hex;

/// The longest name that all models take, in bytes.
pub(super) const LONGEST: usize = 64;

/// What stands between the server's name and the tool's.
const BETWEEN: &str = "__";

/// How many characters of the hash there are when a name is not as the server has it.
const HASH: usize = 8;

/// The name of a tool for a model: `<server>__<tool>` where that is a name that all models take,
/// and else as much of the end of the tool's name as there is room for, and a hash of both names.
/// The end is what sets long names apart.
pub(super) fn exposed(server: &str, tool: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let whole = format!("{server}{BETWEEN}{tool}");
    if whole.len() <= LONGEST && whole.chars().all(plain) && !tool.is_empty() {
        return whole;
    }
    let clean =
        |text: &str| -> String { text.chars().map(|c| if plain(c) { c } else { '_' }).collect() };
    let mut hash = sha256_hex(format!("{server}\0{tool}").as_bytes());
    hash.truncate(HASH);
    let (mut server, tool) = (clean(server), clean(tool));
    server.truncate(LONGEST / 2);
    let room = LONGEST - server.len() - BETWEEN.len() - 1 - HASH;
    let tail = &tool[tool.len().saturating_sub(room)..];
    format!("{server}{BETWEEN}{tail}_{hash}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_that_all_models_take_stays() {
        assert_eq!(exposed("ops", "start_canary"), "ops__start_canary");
        let longest = "x".repeat(LONGEST - 5);
        assert_eq!(exposed("ops", &longest), format!("ops__{longest}"));
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        let common = "a_very_long_prefix_that_all_the_tools_of_this_server_have_in_common_";
        let one = exposed("server", &format!("{common}read"));
        let other = exposed("server", &format!("{common}write"));
        assert_eq!((one.len(), other.len()), (LONGEST, LONGEST));
        assert!(one.contains("_common_read_") && other.contains("_common_write_"), "{one} {other}");
        assert_ne!(exposed("s", "a.b"), exposed("s", "a/b"));
        assert!(exposed("s", "a.b").starts_with("s__a_b_"));
    }

    proptest! {
        #[test]
        fn every_name_is_one_that_all_models_take(
            server in "[A-Za-z0-9_-]{1,32}",
            tool in "\\PC{0,120}",
        ) {
            let name = exposed(&server, &tool);
            prop_assert!(name.len() <= LONGEST, "{}", name);
            prop_assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-'));
            let begin = format!("{server}__");
            prop_assert!(name.starts_with(&begin));
            prop_assert_eq!(&name, &exposed(&server, &tool));
        }

        #[test]
        fn other_tools_have_other_names(
            server in "[a-z]{1,32}",
            one in "[a-z./ _]{1,80}",
            other in "[a-z./ _]{1,80}",
        ) {
            prop_assume!(one != other);
            prop_assert_ne!(exposed(&server, &one), exposed(&server, &other));
        }
    }
}
