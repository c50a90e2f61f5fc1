//! What does a line mean that somebody typed? Pure.

/// What a line means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Say(String),
    New,
    List,
    Open(String),
    History,
    Search(String),
    Fork(i64),
    Approve(String),
    Deny(String),
    Help,
    Quit,
    /// Nothing.
    Empty,
}

/// The commands, for who asks.
pub(super) const HELP: [&str; 11] = [
    "/new             begin another conversation",
    "/list            list conversations",
    "/open ID         go on in one",
    "/history         show what was said in this one",
    "/search WORDS    find where something was said",
    "/fork SEQ        go on from an event of this one, in a new one",
    "/approve ID      allow a call that waits, of any conversation",
    "/deny ID         refuse it",
    "/quit            leave; so does Ctrl-D",
    "//TEXT           say something that begins with a slash",
    "Ctrl-C           end the answer; once more, leave",
];

/// Reads a line; the error is a sentence.
pub(super) fn parse(line: &str) -> Result<Command, String> {
    let line = line.trim();
    let Some(rest) = line.strip_prefix('/') else {
        return Ok(if line.is_empty() { Command::Empty } else { Command::Say(line.to_owned()) });
    };
    if rest.starts_with('/') {
        return Ok(Command::Say(rest.to_owned()));
    }
    let (name, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let after = after.trim();
    let one = |what: &str| {
        let is_one = !after.is_empty() && !after.contains(char::is_whitespace);
        let why = || format!("/{name} needs {what}");
        is_one.then(|| after.to_owned()).ok_or_else(why)
    };
    let none = |command: Command| {
        let why = || format!("/{name} takes nothing after it");
        after.is_empty().then_some(command).ok_or_else(why)
    };
    match name {
        "new" => none(Command::New),
        "list" => none(Command::List),
        "open" => one("the id of a conversation").map(Command::Open),
        "history" => none(Command::History),
        "search" if after.is_empty() => Err("/search needs words".to_owned()),
        "search" => Ok(Command::Search(after.to_owned())),
        "fork" => {
            let seq = one("the number of an event, as /history shows it")?;
            let seq = seq.parse().ok().filter(|seq| 0 < *seq);
            seq.map(Command::Fork).ok_or_else(|| "/fork needs a number above 0".to_owned())
        }
        "approve" => one("the id of a call").map(Command::Approve),
        "deny" => one("the id of a call").map(Command::Deny),
        "help" => none(Command::Help),
        "quit" | "exit" => none(Command::Quit),
        _ => Err(format!("there is no command /{name}; /help lists them")),
    }
}

/// What somebody says to the question whether a call may be made: a decision as the tool spells it.
pub(super) fn decision(line: &str) -> Option<&'static str> {
    match line.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Some("once"),
        "a" | "always" => Some("always"),
        "n" | "no" => Some("deny"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_command_or_said() {
        let said = |text: &str| Ok(Command::Say(text.to_owned()));
        for (line, meant) in [
            ("hello /you", said("hello /you")),
            ("  //etc/passwd ", said("/etc/passwd")),
            ("   ", Ok(Command::Empty)),
            ("/new", Ok(Command::New)),
            ("/open c:1", Ok(Command::Open("c:1".to_owned()))),
            ("/search a  b ", Ok(Command::Search("a  b".to_owned()))),
            ("/fork 7", Ok(Command::Fork(7))),
            ("/exit", Ok(Command::Quit)),
            ("/new one", Err("/new takes nothing after it".to_owned())),
            ("/open", Err("/open needs the id of a conversation".to_owned())),
            ("/approve a b", Err("/approve needs the id of a call".to_owned())),
            ("/fork -1", Err("/fork needs a number above 0".to_owned())),
            ("/nope", Err("there is no command /nope; /help lists them".to_owned())),
        ] {
            assert_eq!(parse(line), meant, "{line}");
        }
    }

    #[test]
    fn only_a_clear_word_decides() {
        let words = ["y", " YES", "a", "n", "No ", "", "yy", "ok", "yes please"];
        let meant = words.map(decision);
        let (once, deny) = (Some("once"), Some("deny"));
        assert_eq!(meant, [once, once, Some("always"), deny, deny, None, None, None, None]);
    }
}
