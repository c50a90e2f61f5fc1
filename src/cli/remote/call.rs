//! `call`: any tool, with arguments as they are.

use std::io::Read as _;

use clap::Args;
use serde_json::Value;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::session::{Session, print};
use crate::cli::terminal::text;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The tool, such as `canary_status`
    tool: String,
    /// Its arguments, a JSON object; `-` reads them from standard input
    #[arg(default_value = "{}", value_name = "JSON")]
    json_arguments: String,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let arguments = object(&self.json_arguments)?;
        let answer = session.answer(&self.tool, &arguments).await?;
        if session.json {
            return session.print_json(&answer);
        }
        print(&format!("{}\n", text::json_page(&answer)))
    }
}

/// Reads a JSON object from the command line, or from standard input.
fn object(given: &str) -> Result<Value, Failure> {
    let text = if given == "-" { standard_input()? } else { given.to_owned() };
    match serde_json::from_str(&text) {
        Ok(Value::Object(object)) => Ok(Value::Object(object)),
        Ok(_) => Err(Failure::usage("the arguments of a tool are a JSON object, such as {}")),
        Err(error) => Err(Failure::usage(format!("the arguments are not JSON: {error}"))),
    }
}

/// All of standard input.
pub(super) fn standard_input() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| Failure::other("read standard input", &error))?;
    Ok(text)
}
