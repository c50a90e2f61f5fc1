//! `check`: whether a start would go well, and what to do if not.

use std::net::{SocketAddr, TcpListener};

use crate::cli::audit::anchors;
use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::config::chat::ChatSettings;
use crate::config::{Loaded, Settings};
use crate::store::{Database, audit_chain_of, pending_migrations};

enum Finding {
    Fine(String),
    Warning(String),
    Wrong(String),
}

pub(super) fn run(flags: SettingsFlags) -> Result<(), Failure> {
    let Loaded { settings, chat, .. } = flags.load_with_chat()?;
    let mut findings = vec![
        ("settings", Finding::Fine("all valid".to_owned())),
        ("keys", keys(&settings)),
        ("database", database(&settings)),
        ("audit chain", chain(&settings)),
        ("evals", evals(&settings)),
        ("port", port(settings.server.address())),
    ];
    findings.extend(chat.iter().flat_map(chat_findings));
    let mut wrong = 0;
    for (what, finding) in findings {
        let (mark, text) = match finding {
            Finding::Fine(text) => ("ok  ", text),
            Finding::Warning(text) => ("warn", text),
            Finding::Wrong(text) => {
                wrong += 1;
                ("FAIL", text)
            }
        };
        println!("{mark} {what}: {text}");
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::new("1 check failed")),
        n => Err(Failure::new(format!("{n} checks failed"))),
    }
}

fn keys(settings: &Settings) -> Finding {
    let auth = &settings.auth;
    match (auth.api_keys.len(), auth.read_keys.len()) {
        (0, 0) if settings.server.listen.is_loopback() => Finding::Warning(
            "none, so everybody on this machine may enter; set LUKHAS_MCP_API_KEYS".to_owned(),
        ),
        (0, 0) => Finding::Warning("none, and everybody who reaches the port may enter".to_owned()),
        (0, readers) => Finding::Warning(format!(
            "{readers} for reading and none for anything else, so nobody may change anything; set \
             LUKHAS_MCP_API_KEYS"
        )),
        (operators, 0) => Finding::Fine(format!("{operators}")),
        (operators, readers) => Finding::Fine(format!("{operators}, and {readers} for reading")),
    }
}

fn database(settings: &Settings) -> Finding {
    if !settings.store.db.exists() {
        let path = settings.store.db.display();
        return Finding::Fine(format!("{path} will be made at the first start"));
    }
    let pending =
        Database::at(&settings.store.db).and_then(|database| pending_migrations(&database));
    match pending {
        Ok(pending) if pending.is_empty() => Finding::Fine("sound and up to date".to_owned()),
        Ok(pending) => Finding::Fine(format!("sound; the next start runs {}", pending.join(", "))),
        Err(error) => Finding::Wrong(error.to_string()),
    }
}

fn chain(settings: &Settings) -> Finding {
    if !settings.store.db.exists() {
        return Finding::Fine("nothing is recorded yet".to_owned());
    }
    match Database::at(&settings.store.db).map(|database| audit_chain_of(&database)) {
        Ok(Ok(Ok(verified))) => {
            let facts = format!("{} facts, unbroken", verified.rows());
            match anchors(settings, &verified) {
                None => Finding::Fine(facts),
                Some(Ok(anchors)) => Finding::Fine(format!("{facts}; {anchors}")),
                Some(Err(error)) => Finding::Wrong(error.to_string()),
            }
        }
        Ok(Ok(Err(broken))) => Finding::Wrong(broken.to_string()),
        Ok(Err(error)) => Finding::Wrong(error.to_string()),
        Err(error) => Finding::Wrong(error.to_string()),
    }
}

fn evals(settings: &Settings) -> Finding {
    let tasks = settings.evals.dir.join("tasks");
    match std::fs::read_dir(&tasks) {
        Ok(entries) => {
            let is_task = |entry: &std::fs::DirEntry| {
                entry.path().extension().is_some_and(|ending| ending == "toml")
            };
            let count = entries.flatten().filter(is_task).count();
            Finding::Fine(format!("{count} tasks of this repository, besides the shipped ones"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Finding::Warning("no tasks in this repository; the shipped ones can be run".to_owned())
        }
        Err(error) => Finding::Wrong(format!("the tasks cannot be read: {error}")),
    }
}

/// What the files of the chat say; that they are valid is known by then.
fn chat_findings(chat: &ChatSettings) -> Vec<(&'static str, Finding)> {
    let provider = chat.llm.active();
    let servers = chat.mcp.servers.iter().map(|server| server.name.as_str());
    let servers: Vec<&str> = servers.collect();
    let servers = if servers.is_empty() { "none".to_owned() } else { servers.join(", ") };
    let model = format!("{} of {} answers; servers: {servers}", provider.model, provider.name);
    let mut findings = vec![("chat", Finding::Fine(model))];
    let warnings = chat.warnings.iter().cloned();
    findings.extend(warnings.map(|warning| ("chat", Finding::Warning(warning))));
    if let Some(listener) = &chat.websocket.listen {
        findings.push(("chat port", port(listener.address)));
    }
    findings
}

fn port(address: SocketAddr) -> Finding {
    match TcpListener::bind(address) {
        Ok(_) => Finding::Fine(format!("{address} is free")),
        Err(error) => Finding::Wrong(format!(
            "{address} cannot be listened on: {error}; is the daemon running already?"
        )),
    }
}
