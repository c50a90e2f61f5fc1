//! Conversations, the models that are asked, and the servers whose tools there are.

use super::{Family, Kind, Sample, count, float, one};
use crate::adapters::llm::{ProviderCounts, ProviderState};
use crate::chat::{Chat, SpentOn};
use crate::http::{ChatDoor, Shared};
use crate::mcp_servers::{McpServers, ServerView};

/// Nothing where there is no chat.
pub(super) async fn families(shared: &Shared, door: &ChatDoor) -> Vec<Family> {
    let Some(chat) = &shared.doors.chat else { return Vec::new() };
    let mut families = conversations(chat).await;
    families.push(one("chat_sockets", "Sockets that are open", Kind::Gauge, count(door.sockets())));
    families.extend(providers(chat));
    families.extend(servers(chat));
    families
}

fn family(name: &'static str, help: &'static str, kind: Kind, samples: Vec<Sample>) -> Family {
    Family { name, help, kind, samples }
}

fn sample(labels: &[(&'static str, &str)], value: f64) -> Sample {
    let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned()));
    Sample { labels: labels.collect(), value }
}

async fn conversations(chat: &Chat) -> Vec<Family> {
    let now = chat.statistics();
    let ended = now.ended.iter().map(|(ending, n)| sample(&[("ending", ending)], float(*n)));
    let tokens = now.spent.iter().flat_map(|spent: &SpentOn| {
        let of = |kind, n| sample(&[("provider", &spent.provider), ("kind", kind)], float(n));
        [of("prompt", spent.prompt_tokens), of("completion", spent.completion_tokens)]
    });
    let cost = now
        .spent
        .iter()
        .map(|spent| sample(&[("provider", &spent.provider)], float(spent.cost_micros) / 1e6));
    let disbelieved = now
        .spent
        .iter()
        .map(|spent| sample(&[("provider", &spent.provider)], float(spent.disbelieved)));
    let mut families = vec![
        one(
            "chat_requests_under_way",
            "Requests of conversations that are worked on",
            Kind::Gauge,
            count(chat.under_way()),
        ),
        family("chat_requests_ended", "Requests by ending", Kind::Counter, ended.collect()),
        family(
            "chat_tokens",
            "Tokens of what was asked and answered, as they are charged",
            Kind::Counter,
            tokens.collect(),
        ),
        family(
            "chat_usage_disbelieved",
            "Answers of which the provider told no figures that can be believed",
            Kind::Counter,
            disbelieved.collect(),
        ),
        family("chat_cost", "What that cost, by the prices", Kind::Counter, cost.collect()),
        one(
            "chat_followers",
            "Clients that follow a conversation",
            Kind::Gauge,
            count(chat.followers()),
        ),
    ];
    // The database may be out of reach; then there are no such figures, and no wrong ones.
    if let Ok(counts) = chat.count_approvals().await {
        let counted = counts
            .iter()
            .map(|(status, n)| sample(&[("status", status.as_str())], float(n.unsigned_abs())));
        let help = "Questions whether a call is allowed, by status";
        families.push(family("chat_approvals", help, Kind::Gauge, counted.collect()));
    }
    families
}

fn providers(chat: &Chat) -> [Family; 6] {
    let states: Vec<(&str, ProviderState)> = chat
        .providers()
        .filter_map(|(name, provider)| Some((name, provider.model.state()?)))
        .collect();
    let counter = |name, help, of: fn(&ProviderCounts) -> u64| {
        let samples = states
            .iter()
            .map(|(provider, state)| sample(&[("provider", provider)], float(of(&state.counts))));
        family(name, help, Kind::Counter, samples.collect())
    };
    let breaker = states.iter().map(|(provider, state)| {
        let word = state.server.state.as_str();
        sample(&[("provider", provider), ("model", &state.model), ("state", word)], 1.0)
    });
    let in_flight = states
        .iter()
        .map(|(provider, state)| sample(&[("provider", provider)], count(state.in_flight)));
    [
        family(
            "chat_provider_state",
            "How the calls of a provider go",
            Kind::Gauge,
            breaker.collect(),
        ),
        family(
            "chat_provider_in_flight",
            "Answers that are being written",
            Kind::Gauge,
            in_flight.collect(),
        ),
        counter("chat_provider_requests", "Requests to a provider", |of| of.requests),
        counter("chat_provider_retries", "Those of them that were made again", |of| of.retries),
        counter(
            "chat_provider_rate_limited",
            "Answers of a provider that it has had enough",
            |of| of.rate_limited,
        ),
        counter("chat_provider_failed", "Questions that ended in an error", |of| of.failed),
    ]
}

fn servers(chat: &Chat) -> [Family; 4] {
    let servers = chat.servers().map(McpServers::states).unwrap_or_default();
    let gauge = |name, help, of: fn(&ServerView) -> usize| {
        let samples =
            servers.iter().map(|server| sample(&[("server", &server.name)], count(of(server))));
        family(name, help, Kind::Gauge, samples.collect())
    };
    let state = servers
        .iter()
        .map(|server| sample(&[("server", &server.name), ("state", server.state.word())], 1.0));
    [
        family(
            "chat_server_state",
            "How the connection to another server stands",
            Kind::Gauge,
            state.collect(),
        ),
        gauge("chat_server_tools", "Tools of another server", |of| of.tools),
        gauge("chat_server_quarantined_tools", "Those that cannot be used", |of| {
            of.quarantined.len()
        }),
        gauge("chat_server_calls", "Calls that are under way", |of| of.in_flight),
    ]
}
