//! `version`: what this program is.

use clap::Args;
use serde_json::json;

use crate::mcp::Version;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) {
    let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    let revisions = Version::ALL.map(Version::as_str);
    if arguments.json {
        println!("{}", json!({ "name": name, "version": version, "mcp": revisions }));
    } else {
        println!("{name} {version} (MCP {})", revisions.join(", "));
    }
}
