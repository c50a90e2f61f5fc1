//! `llm`: which models answer, and the keys of their providers.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use url::{Host, Url};

use super::providers::{LlmSettings, Prices, ProviderSettings, ProviderTimeouts, Wire};
use super::sections;
use super::service::micros;
use super::table::{Field, Form, Table};
use super::tree::Fault;
use super::variables::{Variables, is_variable_name};

/// What is known of a provider by its name.
struct Known {
    name: &'static str,
    base_url: Option<&'static str>,
    key_variable: &'static str,
}

const KNOWN: [Known; 7] = [
    known("openai", Some("https://api.openai.com/v1"), "OPENAI_API_KEY"),
    known("groq", Some("https://api.groq.com/openai/v1"), "GROQ_API_KEY"),
    known("openrouter", Some("https://openrouter.ai/api/v1"), "OPENROUTER_API_KEY"),
    known("anthropic", Some("https://api.anthropic.com/v1"), "ANTHROPIC_API_KEY"),
    known("azure", None, "AZURE_OPENAI_API_KEY"),
    known(
        "gemini",
        Some("https://generativelanguage.googleapis.com/v1beta/openai"),
        "GEMINI_API_KEY",
    ),
    known("mistral", Some("https://api.mistral.ai/v1"), "MISTRAL_API_KEY"),
];

const fn known(
    name: &'static str,
    base_url: Option<&'static str>,
    key_variable: &'static str,
) -> Known {
    Known { name, base_url, key_variable }
}

/// Azure's version of its interface when nobody names one.
const AZURE_API_VERSION: &str = "2024-10-21";
/// The most providers.
const MOST: usize = 32;

pub(super) fn read(
    root: &Table<'_>,
    form: &'static Form,
    variables: &Variables<'_>,
    warnings: &mut Vec<String>,
    file: &str,
) -> Result<LlmSettings, Fault> {
    let table = root.table("llm", &sections::LLM)?;
    let entries = table.named("providers")?;
    if MOST < entries.len() {
        return Err(Fault::new(
            table.line,
            format!("llm.providers has more than {MOST} providers"),
        ));
    }
    let mut providers = BTreeMap::new();
    for (name, field) in entries {
        if name.is_empty() || 64 < name.len() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(field.fault("must be a name of at most 64 visible characters"));
        }
        let provider = provider(name, &field, form, variables)?;
        providers.insert(name.to_owned(), (provider, field.line));
    }
    let (active, line) = match table.get("active") {
        Some(field) => (field.text()?.trim().to_owned(), field.line),
        None => match providers.iter().next() {
            Some((name, (_, line))) if providers.len() == 1 => (name.clone(), *line),
            _ => {
                let problem = "llm.active must name the provider that answers";
                return Err(Fault::new(table.line.max(1), problem));
            }
        },
    };
    let Some((provider, _)) = providers.get(&active) else {
        let names: Vec<&str> = providers.keys().map(String::as_str).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let problem = format!("llm.active must be one of llm.providers, which are: {names}");
        return Err(Fault::new(line, problem));
    };
    refuse_without_key(provider, line)?;
    warn_of_plain_text(provider, line, warnings, file);
    let providers = providers.into_iter().map(|(name, (provider, _))| (name, provider)).collect();
    Ok(LlmSettings { active, providers })
}

fn provider(
    name: &str,
    field: &Field<'_>,
    form: &'static Form,
    variables: &Variables<'_>,
) -> Result<ProviderSettings, Fault> {
    let table = field.section(&sections::PROVIDER, form)?;
    let known = KNOWN.iter().find(|known| known.name == name);
    refuse_what_has_no_effect(&table)?;
    let base_url = base_url(&table, field, known)?;
    let key_variable = key_variable(&table, known)?;
    let key = match &key_variable {
        Some(variable) => key(variable, variables, field)?,
        None => None,
    };
    if key.is_some() && base_url.scheme() == "http" && !is_loopback(&base_url) {
        let problem = "must begin with https, because a key is sent there";
        return Err(table.get("base_url").unwrap_or_else(|| field.clone()).fault(problem));
    }
    let model = table.text("model")?.map(str::trim).filter(|model| !model.is_empty());
    let model = model.ok_or_else(|| field.fault("needs a model"))?;
    // Some models take no temperature: `temperature: null` keeps it from being sent.
    let temperature = match table.decimal("temperature", 0.0..=2.0)? {
        None if !table.is_null("temperature") => Some(0.7),
        written => written,
    };
    // 1 cuts nothing off, and some models take none beside a temperature.
    let top_p = table.decimal("top_p", 0.000_001..=1.0)?.filter(|top_p| *top_p < 1.0);
    Ok(ProviderSettings {
        name: name.to_owned(),
        wire: wire(name, &table)?,
        base_url,
        key,
        key_variable,
        model: model.to_owned(),
        temperature,
        top_p,
        max_tokens: table.integer("max_tokens", 1..=10_000_000)?.unwrap_or(4096),
        prices: prices(&table)?,
        timeouts: timeouts(&table)?,
        max_retries: table.integer("max_retries", 0..=10)?.unwrap_or(3),
        concurrency: table.integer("concurrency", 1..=256)?.unwrap_or(8),
    })
}

fn refuse_what_has_no_effect(table: &Table<'_>) -> Result<(), Fault> {
    if let Some(field) = table.get("choice_index") {
        field.integer(0..=0_u32).map_err(|_| {
            field.fault("must be 0, because only one answer is asked for; it may be left out")
        })?;
    }
    for (key, problem) in [
        (
            "requests_per_minute",
            "is not there: a provider's own limits are kept to, and concurrency bounds what is \
             under way; remove it",
        ),
        ("backoff_factor", "is not there: waits double and are drawn at random; remove it"),
    ] {
        if let Some(field) = table.get(key) {
            return Err(field.fault(problem));
        }
    }
    Ok(())
}

fn wire(name: &str, table: &Table<'_>) -> Result<Wire, Fault> {
    let wires = [("openai", false), ("anthropic", true)];
    let written = table.get("wire").map(|field| Ok((field.choice(&wires)?, field))).transpose()?;
    let api_version = table.get("api_version");
    if name == "azure" {
        if let Some((_, field)) = written {
            return Err(field.fault("does not go with azure, which has a wire of its own"));
        }
        let Some(field) = api_version else {
            return Ok(Wire::Azure { api_version: AZURE_API_VERSION.to_owned() });
        };
        let version = field.text()?.trim();
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if version.is_empty() || 64 < version.len() || !version.bytes().all(is_good) {
            return Err(field.fault("must be a version such as 2024-10-21"));
        }
        return Ok(Wire::Azure { api_version: version.to_owned() });
    }
    if let Some(field) = api_version {
        return Err(field.fault("goes with azure only; remove it"));
    }
    let is_anthropic = written.map_or(name == "anthropic", |(is_anthropic, _)| is_anthropic);
    Ok(if is_anthropic { Wire::AnthropicMessages } else { Wire::OpenAiChat })
}

fn base_url(table: &Table<'_>, field: &Field<'_>, known: Option<&Known>) -> Result<Url, Fault> {
    let written = table.get("base_url");
    let text = match &written {
        Some(written) => written.text()?.trim(),
        None => known.and_then(|known| known.base_url).ok_or_else(|| {
            field.fault("needs a base_url, because there is no usual one for this name")
        })?,
    };
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    url.ok_or_else(|| {
        written
            .unwrap_or_else(|| field.clone())
            .fault("must be an http or https URL without user name, password, query and fragment")
    })
}

fn key_variable(table: &Table<'_>, known: Option<&Known>) -> Result<Option<String>, Fault> {
    let Some(field) = table.get("api_key_env") else {
        return Ok(known.map(|known| known.key_variable.to_owned()));
    };
    let name = field.text()?.trim();
    if is_variable_name(name) {
        Ok(Some(name.to_owned()))
    } else {
        // It may well be the key itself.
        Err(field.fault("must be the name of a variable, such as MY_API_KEY, and not the key"))
    }
}

fn key(
    variable: &str,
    variables: &Variables<'_>,
    field: &Field<'_>,
) -> Result<Option<SecretString>, Fault> {
    let found = variables.get(variable).map_err(|problem| Fault::new(field.line, problem))?;
    let Some((value, place)) = found else { return Ok(None) };
    let key = value.expose_secret().trim();
    if key.is_empty() {
        return Ok(None);
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let problem = format!(
            "{variable} ({place}) must be one line of visible ASCII characters without spaces"
        );
        return Err(Fault::new(field.line, problem));
    }
    Ok(Some(SecretString::from(key)))
}

fn refuse_without_key(provider: &ProviderSettings, line: usize) -> Result<(), Fault> {
    match &provider.key_variable {
        Some(variable) if provider.lacks_its_key() => {
            let problem = format!(
                "llm.active is {:?}, whose key is not set; set {variable} in the environment or \
                 in .env",
                provider.name
            );
            Err(Fault::new(line, problem))
        }
        _ => Ok(()),
    }
}

fn warn_of_plain_text(
    provider: &ProviderSettings,
    line: usize,
    warnings: &mut Vec<String>,
    file: &str,
) {
    if provider.base_url.scheme() == "http" && !is_loopback(&provider.base_url) {
        warnings.push(format!(
            "{file} line {line}: {:?} is reached over http, so whoever is in between can read \
             conversations",
            provider.name
        ));
    }
}

/// Whether an address is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn prices(table: &Table<'_>) -> Result<Option<Prices>, Fault> {
    let prices = table.table("prices", &sections::PRICES)?;
    let price = |key| Ok::<_, Fault>(prices.decimal(key, 0.0..=1_000_000.0)?.map(micros));
    let (input, output) = (price("input_per_million")?, price("output_per_million")?);
    let cached = price("cached_input_per_million")?;
    match (input, output) {
        (Some(input_micros), Some(output_micros)) => Ok(Some(Prices {
            input_micros,
            output_micros,
            cached_input_micros: cached.unwrap_or(input_micros),
        })),
        (None, None) if cached.is_none() => Ok(None),
        _ => Err(Fault::new(
            prices.line,
            format!("{} needs both input_per_million and output_per_million", prices.path),
        )),
    }
}

fn timeouts(table: &Table<'_>) -> Result<ProviderTimeouts, Fault> {
    let timeouts = table.table("timeouts", &sections::TIMEOUTS)?;
    let seconds = |key, most, default| {
        let seconds = timeouts.seconds(key, 0.1..=most)?;
        Ok::<_, Fault>(seconds.unwrap_or(Duration::from_secs(default)))
    };
    Ok(ProviderTimeouts {
        connect: seconds("connect", 120.0, 5)?,
        idle: seconds("idle", 3600.0, 60)?,
        total: seconds("total", 86_400.0, 300)?,
    })
}
