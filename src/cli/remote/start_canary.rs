//! `start-canary`: puts a model into a gate on probation, and waits for the end if that is wanted.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::answers::Canary;
use crate::cli::remote::call::standard_input;
use crate::cli::remote::canaries::watched;
use crate::cli::remote::session::{Session, read};
use crate::cli::remote::thing::Thing;
use crate::cli::remote::wait;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The model, such as `ranker:12`
    model: String,
    /// The gate it comes from
    #[arg(long, value_name = "GATE")]
    from: String,
    /// The gate it is to stand in
    #[arg(long, value_name = "GATE")]
    to: String,
    /// How long it is watched [default: that of the policy, or 300]
    #[arg(long, value_name = "SECONDS")]
    window: Option<u64>,
    /// The share of requests that may fail, from 0 to 1
    #[arg(long, value_name = "SHARE")]
    max_error_rate: Option<f64>,
    /// What 95 of 100 requests must keep, in milliseconds
    #[arg(long, value_name = "MS")]
    latency_p95_ms: Option<f64>,
    /// A policy, a JSON object; `-` reads it from standard input. What the flags say goes before it
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Watch and decide, but change nothing
    #[arg(long)]
    dry_run: bool,
    /// Wait for its end; the exit code tells how it ended
    #[arg(long)]
    wait: bool,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let policy = match &self.policy {
            Some(file) => read_policy(file)?,
            None => json!({}),
        };
        let started = session.answer("start_canary", &self.call(policy)).await?;
        if self.wait {
            let id = started["canaryId"].as_str().unwrap_or_default().to_owned();
            let thing = Thing::Canary(id);
            let ended = wait::until_over(session, &thing).await?;
            show(session, &ended)?;
            return wait::judge(&thing, &ended);
        }
        show(session, &started)
    }
}

impl Arguments {
    /// The call of the tool: the policy, and the flags over it.
    fn call(&self, mut policy: Value) -> Value {
        if let Some(window) = self.window {
            policy["windowSeconds"] = window.into();
        }
        for (target, value) in
            [("max_error_rate", self.max_error_rate), ("latency_p95_ms", self.latency_p95_ms)]
        {
            if let Some(value) = value {
                if !policy["targets"].is_object() {
                    policy["targets"] = json!({});
                }
                policy["targets"][target] = value.into();
            }
        }
        let mut call = json!({
            "modelId": self.model, "fromGate": self.from, "toGate": self.to, "policy": policy,
        });
        if self.dry_run {
            call["dryRun"] = true.into();
        }
        call
    }
}

fn read_policy(file: &Path) -> Result<Value, Failure> {
    let text = if file == Path::new("-") {
        standard_input()?
    } else {
        std::fs::read_to_string(file).map_err(|error| Failure::other("read the policy", &error))?
    };
    match serde_json::from_str(&text) {
        Ok(Value::Object(policy)) => Ok(Value::Object(policy)),
        Ok(_) => Err(Failure::usage("the policy must be a JSON object")),
        Err(error) => Err(Failure::usage(format!("the policy is not JSON: {error}"))),
    }
}

fn show(session: &Session, answer: &Value) -> Result<(), Failure> {
    if session.json {
        return session.print_json(answer);
    }
    let canary: Canary = read(answer.clone())?;
    let (model, gates) = (&canary.model_id, canary.gates());
    let what = format!("{}  {model}  {gates}  {}", canary.id, watched(&canary));
    let line = canary.mark().begin("").plain(&what);
    let said = canary.said();
    session.print_line(&if said.is_empty() { line } else { line.plain("  ").plain(&said) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_go_before_the_policy() {
        let arguments = Arguments {
            model: "m:2".to_owned(),
            from: "staging".to_owned(),
            to: "production".to_owned(),
            window: Some(60),
            max_error_rate: Some(0.01),
            latency_p95_ms: None,
            policy: None,
            dry_run: true,
            wait: false,
        };
        let policy = json!({
            "windowSeconds": 5, "alpha": 0.001, "targets": { "latency_p95_ms": 50, "max_error_rate": 1 },
        });
        let expected = json!({
            "modelId": "m:2", "fromGate": "staging", "toGate": "production", "dryRun": true,
            "policy": {
                "windowSeconds": 60, "alpha": 0.001,
                "targets": { "latency_p95_ms": 50, "max_error_rate": 0.01 },
            },
        });
        assert_eq!(arguments.call(policy), expected);
        let bare = arguments.call(json!({}));
        assert_eq!(bare["policy"]["targets"], json!({ "max_error_rate": 0.01 }));
    }
}
