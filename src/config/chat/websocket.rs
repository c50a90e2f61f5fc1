//! `chat.websocket`: where the socket is, and who may open it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use url::Url;

use super::sections;
use super::settings::{ChatListener, WebSocketSettings};
use super::table::{Field, Table};
use super::tree::Fault;

/// The port of the earlier backend.
const EARLIER_PORT: u16 = 8000;
/// Where the socket always is.
const ENDPOINT: &str = "/ws/chat";

pub(super) fn read(
    chat: &Table<'_>,
    warnings: &mut Vec<String>,
    file: &str,
) -> Result<WebSocketSettings, Fault> {
    let table = chat.table("websocket", &sections::WEBSOCKET)?;
    let seconds = |key, default| {
        let seconds = table.seconds(key, 1.0..=3600.0)?;
        Ok::<_, Fault>(seconds.unwrap_or(Duration::from_secs(default)))
    };
    Ok(WebSocketSettings {
        listen: listener(&table)?,
        endpoint: endpoint(&table)?,
        allow_origins: origins(&table, warnings, file)?,
        allow_credentials: table.truth("allow_credentials")?.unwrap_or(false),
        max_message_size: table
            .integer("max_message_size", 1024..=16 * 1024 * 1024)?
            .unwrap_or(1024 * 1024),
        max_connections: table.integer("max_connections", 1..=100_000)?.unwrap_or(1000),
        ping_interval: seconds("ping_interval", 20)?,
        ping_timeout: seconds("ping_timeout", 10)?,
    })
}

/// A second port, if one is written.
fn listener(table: &Table<'_>) -> Result<Option<ChatListener>, Fault> {
    let port = table.integer("port", 0..=u16::MAX)?;
    let Some(host) = table.get("host") else {
        return Ok(port.map(|port| ChatListener {
            address: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port),
            also: also_on_ipv6(port),
        }));
    };
    let (port, name) = (port.unwrap_or(EARLIER_PORT), host.text()?.trim());
    if name.eq_ignore_ascii_case("localhost") {
        let address = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        return Ok(Some(ChatListener { address, also: also_on_ipv6(port) }));
    }
    let address: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
    let address = address
        .ok_or_else(|| host.fault("must be localhost or an IP address such as 127.0.0.1 or ::1"))?;
    Ok(Some(ChatListener { address: SocketAddr::new(address, port), also: None }))
}

/// With any free port, both would be different ones.
fn also_on_ipv6(port: u16) -> Option<SocketAddr> {
    (port != 0).then(|| SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port))
}

/// Another path than the usual one.
fn endpoint(table: &Table<'_>) -> Result<Option<String>, Fault> {
    let Some(field) = table.get("endpoint") else { return Ok(None) };
    let path = field.text()?.trim();
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let is_path = path.starts_with('/')
        && 1 < path.len()
        && path.len() <= 200
        && path.bytes().all(is_good)
        && !path.contains("//")
        && !path.split('/').any(|part| matches!(part, "." | ".."));
    if !is_path {
        return Err(field.fault("must be a path such as /ws/chat, of letters, digits, / - . _ ~"));
    }
    // These belong to others, or are looked for by others.
    let taken = ["/mcp", "/sse", "/v1", "/.well-known", "/oauth", "/health", "/healthz", "/readyz"];
    let is_below = |taken: &&str| path == *taken || path.starts_with(&format!("{taken}/"));
    if taken.iter().any(is_below) {
        return Err(field.fault("is a path that the daemon has for something else; name another"));
    }
    Ok((path != ENDPOINT).then(|| path.to_owned()))
}

fn origins(
    table: &Table<'_>,
    warnings: &mut Vec<String>,
    file: &str,
) -> Result<Vec<String>, Fault> {
    let Some(field) = table.get("allow_origins") else { return Ok(Vec::new()) };
    let mut origins = Vec::new();
    for item in field.items()? {
        let text = item.text()?.trim();
        if text == "*" {
            warnings.push(format!(
                "{file} line {}: {} has \"*\", which is not done: any page that somebody opens \
                 in a browser could then talk to the daemon; name the origins that may, such as \
                 http://localhost:3000",
                item.line, item.path
            ));
            continue;
        }
        origins.push(origin(&item, text)?);
    }
    Ok(origins)
}

/// An origin as a browser writes it.
fn origin(item: &Field<'_>, text: &str) -> Result<String, Fault> {
    let url = Url::parse(text).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
    });
    let url = url.ok_or_else(|| {
        item.fault("must be origins such as https://chat.example.org or http://localhost:3000")
    })?;
    Ok(url.origin().ascii_serialization())
}
