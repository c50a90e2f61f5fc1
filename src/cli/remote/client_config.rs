//! `client-config`: what is put where, so that a client finds the daemon.
//!
//! What is printed can be put into a file as it is, and never holds a key: it names the variable or
//! the file with the key, or has the client ask for it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cli::exit::Failure;
use crate::cli::remote::connection::{AddressFlags, KEY, KEY_FILE};
use crate::cli::remote::session::{print, say};
use crate::cli::settings::SettingsFlags;

/// The longest name; some clients put it before the names of tools, which are bounded.
const LONGEST_NAME: usize = 32;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The client
    client: Client,
    /// What the client is to call the daemon
    #[arg(long, default_value = "lukhas-mcp", value_parser = name)]
    name: String,
    #[command(flatten)]
    address: AddressFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Client {
    Chatgpt,
    ClaudeCode,
    ClaudeDesktop,
    Vscode,
    Cursor,
    GeminiCli,
    CodexCli,
}

/// What is printed, and what is said about it.
#[derive(Debug)]
struct Advice {
    /// JSON or TOML.
    text: String,
    said: Vec<String>,
}

/// The daemon, as a client is to find it.
struct Place<'a> {
    name: &'a str,
    /// Without a slash at its end.
    url: &'a str,
    program: PathBuf,
    key_file: PathBuf,
}

pub(super) fn run(flags: SettingsFlags, arguments: &Arguments) -> Result<(), Failure> {
    let url = arguments.address.url(flags)?;
    let program = std::env::current_exe()
        .map_err(|error| Failure::other("find where this program is", &error))?;
    let place = Place { name: &arguments.name, url: &url, program, key_file: key_file() };
    let Advice { text, said } = advice(arguments.client, &place)?;
    for words in said {
        say(&words);
    }
    print(&text)
}

/// A name as each client takes it.
fn name(text: &str) -> Result<String, String> {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if text.is_empty() || LONGEST_NAME < text.len() || !text.bytes().all(is_fine) {
        return Err(format!(
            "a name has 1 to {LONGEST_NAME} letters, digits, hyphens and underscores"
        ));
    }
    Ok(text.to_owned())
}

/// The file that a client without an environment of its own is to read the key from.
fn key_file() -> PathBuf {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let file = named(KEY_FILE).map(PathBuf::from);
    let file = file.and_then(|file| std::path::absolute(file).ok());
    let home = || named("HOME").map_or_else(|| PathBuf::from("/"), PathBuf::from);
    file.unwrap_or_else(|| home().join(".config/lukhas-mcp/key"))
}

fn advice(client: Client, place: &Place<'_>) -> Result<Advice, Failure> {
    let endpoint = format!("{}/mcp", place.url);
    let variable = format!("the client reads the key from {KEY} when it starts");
    Ok(match client {
        Client::Chatgpt => return chatgpt(place, &endpoint),
        Client::ClaudeCode => {
            let server = json!({
                "type": "http",
                "url": endpoint,
                "headers": { "X-API-Key": format!("${{{KEY}}}") },
            });
            let command = format!(
                "for all your work instead: claude mcp add --scope user --transport http {} {endpoint} \
                 --header \"X-API-Key: ${KEY}\", which stores the key",
                place.name
            );
            let place_of_it =
                "put this into .mcp.json, in the directory that you work in".to_owned();
            Advice { text: servers(place, &server), said: vec![place_of_it, variable, command] }
        }
        Client::ClaudeDesktop => {
            let server = json!({
                "command": place.program,
                "args": ["mcp-stdio", "--url", place.url],
                "env": { KEY_FILE: place.key_file },
            });
            let file = "put this into claude_desktop_config.json, which Settings, Developer, Edit \
                        Config opens, and start Claude anew";
            let key = format!(
                "put the key into {}, which nobody else may read; without keys leave env out",
                place.key_file.display()
            );
            Advice { text: servers(place, &server), said: vec![file.to_owned(), key] }
        }
        Client::Vscode => {
            let input = format!("{}-key", place.name);
            let text = json!({
                "servers": { place.name: {
                    "type": "http",
                    "url": endpoint,
                    "headers": { "X-API-Key": format!("${{input:{input}}}") },
                } },
                "inputs": [{
                    "id": input,
                    "type": "promptString",
                    "description": format!("Key of {}", place.name),
                    "password": true,
                }],
            });
            let said = "put this into .vscode/mcp.json, or where MCP: Open User Configuration leads; \
                        the key is asked for once and kept";
            Advice { text: pretty(&text), said: vec![said.to_owned()] }
        }
        Client::Cursor => {
            let server = json!({
                "url": endpoint,
                "headers": { "X-API-Key": format!("${{env:{KEY}}}") },
            });
            let file = "put this into .cursor/mcp.json, in the project or in your home directory";
            Advice { text: servers(place, &server), said: vec![file.to_owned(), variable] }
        }
        Client::GeminiCli => {
            let server = json!({
                "httpUrl": endpoint,
                "headers": { "X-API-Key": format!("${KEY}") },
            });
            let file =
                "put this into .gemini/settings.json, in the project or in your home directory";
            Advice { text: servers(place, &server), said: vec![file.to_owned(), variable] }
        }
        Client::CodexCli => {
            let text = toml(&json!({
                "mcp_servers": { place.name: { "url": endpoint, "bearer_token_env_var": KEY } },
            }))?;
            let file = "put this into .codex/config.toml in your home directory";
            Advice { text, said: vec![file.to_owned(), variable] }
        }
    })
}

/// ChatGPT has no file. What is printed is for the daemon, which it logs in to.
fn chatgpt(place: &Place<'_>, endpoint: &str) -> Result<Advice, Failure> {
    if !place.url.starts_with("https://") {
        return Err(Failure::settings(
            "ChatGPT connects to public https addresses only: name the daemon's with --url",
        ));
    }
    let text = toml(&json!({
        "server": { "public_base_url": place.url },
        "oauth": { "built_in": true },
    }))?;
    let said = [
        "put this into the daemon's lukhas-mcp.toml; it also needs keys, with which somebody \
         consents, and an issuer of your own does as well, as oauth.issuer"
            .to_owned(),
        format!(
            "then in ChatGPT, with developer mode on, create a connector named {}: MCP server URL \
             {endpoint}, authentication OAuth",
            place.name
        ),
    ];
    Ok(Advice { text, said: said.into() })
}

/// The form that most clients have in common.
fn servers(place: &Place<'_>, server: &Value) -> String {
    pretty(&json!({ "mcpServers": { place.name: server } }))
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}

fn toml(value: &Value) -> Result<String, Failure> {
    toml::to_string(value).map_err(|error| Failure::other("write the settings", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place<'static> {
        Place {
            name: "lukhas",
            url: "https://mcp.example/base",
            program: "/opt/lukhas-mcp".into(),
            key_file: "/home/a/key".into(),
        }
    }

    fn parsed(client: Client) -> Value {
        let advice = advice(client, &place()).unwrap();
        assert!(!advice.said.is_empty());
        match client {
            Client::Chatgpt | Client::CodexCli => toml::from_str(&advice.text).unwrap(),
            _ => serde_json::from_str(&advice.text).unwrap(),
        }
    }

    #[test]
    fn each_client_gets_what_it_reads() {
        let url = "https://mcp.example/base/mcp";
        for (client, pointer, expected) in [
            (Client::ClaudeCode, "/mcpServers/lukhas/type", json!("http")),
            (Client::ClaudeCode, "/mcpServers/lukhas/url", json!(url)),
            (
                Client::ClaudeCode,
                "/mcpServers/lukhas/headers/X-API-Key",
                json!("${LUKHAS_MCP_API_KEY}"),
            ),
            (Client::ClaudeDesktop, "/mcpServers/lukhas/command", json!("/opt/lukhas-mcp")),
            (
                Client::ClaudeDesktop,
                "/mcpServers/lukhas/args",
                json!(["mcp-stdio", "--url", "https://mcp.example/base"]),
            ),
            (
                Client::ClaudeDesktop,
                "/mcpServers/lukhas/env",
                json!({ "LUKHAS_MCP_API_KEY_FILE": "/home/a/key" }),
            ),
            (Client::Vscode, "/servers/lukhas/url", json!(url)),
            (Client::Vscode, "/servers/lukhas/headers/X-API-Key", json!("${input:lukhas-key}")),
            (Client::Vscode, "/inputs/0/id", json!("lukhas-key")),
            (Client::Vscode, "/inputs/0/password", json!(true)),
            (Client::Cursor, "/mcpServers/lukhas/url", json!(url)),
            (
                Client::Cursor,
                "/mcpServers/lukhas/headers/X-API-Key",
                json!("${env:LUKHAS_MCP_API_KEY}"),
            ),
            (Client::GeminiCli, "/mcpServers/lukhas/httpUrl", json!(url)),
            (
                Client::GeminiCli,
                "/mcpServers/lukhas/headers/X-API-Key",
                json!("$LUKHAS_MCP_API_KEY"),
            ),
            (Client::CodexCli, "/mcp_servers/lukhas/url", json!(url)),
            (
                Client::CodexCli,
                "/mcp_servers/lukhas/bearer_token_env_var",
                json!("LUKHAS_MCP_API_KEY"),
            ),
            (Client::Chatgpt, "/server/public_base_url", json!("https://mcp.example/base")),
            (Client::Chatgpt, "/oauth/built_in", json!(true)),
        ] {
            assert_eq!(parsed(client).pointer(pointer), Some(&expected), "{client:?} {pointer}");
        }
    }

    #[test]
    fn chatgpt_needs_a_public_address() {
        let here = Place { url: "http://127.0.0.1:8766", ..place() };
        let refusal = advice(Client::Chatgpt, &here).unwrap_err().to_string();
        assert!(refusal.contains("https") && refusal.contains("--url"), "{refusal}");
    }

    #[test]
    fn a_name_is_one_that_every_client_takes() {
        for good in ["lukhas-mcp", "a", "A_1", &"x".repeat(LONGEST_NAME)] {
            assert_eq!(name(good).unwrap(), good);
        }
        for bad in ["", "a b", "a.b", "ä", "\"", &"x".repeat(LONGEST_NAME + 1)] {
            assert!(name(bad).is_err(), "{bad}");
        }
    }
}
