//! `chat.service.repository` and `chat.service.context`: what is remembered, and how much of it the
//! model is shown.

use std::path::{Path, PathBuf};

use super::sections;
use super::settings::{
    ContextSettings, ConversationLimits, RepositorySettings, ResponseTokens, RetentionPolicy,
};
use super::table::Table;
use super::tree::Fault;

/// Which policy, before its number is known.
#[derive(Clone, Copy)]
enum Policy {
    Tokens,
    Messages,
    Days,
    Unlimited,
}

/// Reads `repository`, which may stand under `chat.service` or, as in the earlier backend's own
/// example, by itself.
pub(super) fn repository(
    root: &Table<'_>,
    service: &Table<'_>,
    directory: &Path,
    cwd: &Path,
) -> Result<RepositorySettings, Fault> {
    let around = match (root.get("repository"), service.get("repository")) {
        (Some(_), Some(nested)) => {
            let problem = "is there already, as repository; keep one of the two";
            return Err(nested.fault(problem));
        }
        (Some(_), None) => root,
        (None, _) => service,
    };
    let table = around.table("repository", &sections::REPOSITORY)?;
    if let Some(field) = table.get("type") {
        field.choice(&[("sql", ())])?;
    }
    let persistence = table.table("persistence", &sections::PERSISTENCE)?;
    let policies = [
        ("token_limit", Policy::Tokens),
        ("message_count", Policy::Messages),
        ("time_based", Policy::Days),
        ("unlimited", Policy::Unlimited),
    ];
    let most = 1_000_000_000;
    let max_tokens = persistence.integer("max_tokens_per_conversation", 1..=most)?;
    let max_messages = persistence.integer("max_messages_per_conversation", 1..=most)?;
    let days = persistence.integer("retention_days", 1..=36_500)?;
    let policy = match persistence.choice("retention_policy", &policies)? {
        Some(policy) => policy,
        // Nothing is removed that nobody asked to be removed.
        None if max_tokens.or(max_messages).is_none() && days.is_none() => Policy::Unlimited,
        None => {
            let problem = "retention_policy must say which of the limits holds: token_limit, \
                           message_count, time_based or unlimited";
            return Err(Fault::new(persistence.line, format!("{}.{problem}", persistence.path)));
        }
    };
    Ok(RepositorySettings {
        earlier_database: earlier_database(&table, directory, cwd)?,
        is_persistent: persistence.truth("enabled")?.unwrap_or(true),
        retention: match policy {
            Policy::Tokens => {
                RetentionPolicy::TokenLimit { max_tokens: max_tokens.unwrap_or(8000) }
            }
            Policy::Messages => {
                RetentionPolicy::MessageCount { max_messages: max_messages.unwrap_or(100) }
            }
            Policy::Days => RetentionPolicy::TimeBased { days: days.unwrap_or(30) },
            Policy::Unlimited => RetentionPolicy::Unlimited,
        },
        clear_on_startup: persistence.truth("clear_on_startup")?.unwrap_or(false),
    })
}

/// The earlier backend looked for its database in the directory that it was started in, while its
/// `config.yaml` was one below.
fn earlier_database(
    table: &Table<'_>,
    directory: &Path,
    cwd: &Path,
) -> Result<Option<PathBuf>, Fault> {
    let Some(field) = table.get("path") else { return Ok(None) };
    let path = Path::new(field.text()?);
    if path.as_os_str().is_empty() || path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(field.fault("must be a path"));
    }
    let beside = directory.join(path);
    let below_cwd = cwd.join(path);
    if !beside.is_file() && below_cwd.is_file() {
        return Ok(Some(below_cwd));
    }
    Ok(Some(beside))
}

pub(super) fn context(service: &Table<'_>) -> Result<ContextSettings, Fault> {
    let table = service.table("context", &sections::CONTEXT)?;
    let most = 10_000_000;
    let max_tokens: u32 = table.integer("max_tokens", 256..=most)?.unwrap_or(4000);
    let reserve_tokens =
        table.integer("reserve_tokens", 0..=most)?.unwrap_or((max_tokens / 2).min(500));
    let at = |key: &str, problem: &str| match table.get(key) {
        Some(field) => field.fault(problem),
        None => Fault::new(table.line, format!("{}.{key} {problem}", table.path)),
    };
    if max_tokens <= reserve_tokens {
        return Err(at("reserve_tokens", "must be less than max_tokens"));
    }

    let limits = table.table("conversation_limits", &sections::CONVERSATION_LIMITS)?;
    let limit = |key, default| Ok::<_, Fault>(limits.integer(key, 1..=most)?.unwrap_or(default));
    let conversation_limits = ConversationLimits {
        short: limit("short", 100)?,
        medium: limit("medium", 500)?,
        long: limit("long", 1500)?,
    };
    let ConversationLimits { short, medium, long } = conversation_limits;
    if !(short < medium && medium < long) {
        return Err(at("conversation_limits", "must ascend: short < medium < long"));
    }

    let response = table.table("response_tokens", &sections::RESPONSE_TOKENS)?;
    let half = max_tokens / 2;
    let expected = |key, default: u32| {
        Ok::<_, Fault>(response.integer(key, 1..=most)?.unwrap_or(default.min(half)))
    };
    let response_tokens = ResponseTokens {
        short: expected("short", 150)?,
        medium: expected("medium", 300)?,
        long: expected("long", 500)?,
        // What is reserved is kept, unless somebody says how much that may be at most.
        max: response.integer("max", 1..=most)?.unwrap_or(half.min(800).max(reserve_tokens)),
    };
    let ResponseTokens { short, medium, long, max } = response_tokens;
    if !(short <= medium && medium <= long && long <= max) {
        return Err(at("response_tokens", "must not descend: short ≤ medium ≤ long ≤ max"));
    }
    if max_tokens <= max {
        return Err(at("response_tokens", "must leave room for the question: max < max_tokens"));
    }
    if max < reserve_tokens {
        return Err(at("reserve_tokens", "must not be more than response_tokens.max"));
    }
    let preserve_recent = table.integer("preserve_recent", 0..=10_000)?.unwrap_or(5);
    Ok(ContextSettings {
        max_tokens,
        reserve_tokens,
        conversation_limits,
        response_tokens,
        preserve_recent,
    })
}
