//! What is asked of the daemon over MCP, and what counts as a right answer.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::http::{Answer, Connection, post};

/// Which job is launched, and with which key.
#[derive(Debug, Clone)]
pub struct Access {
    /// Sent as `X-API-Key`.
    pub key: String,
    /// The task a `run_eval` names.
    pub task: String,
    /// The config a `run_eval` names.
    pub config: String,
}

/// An operation of which many are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    /// The list of tools.
    ToolsList,
    /// The state of the job with this id.
    Status(String),
    /// A new job.
    RunEval,
    /// The end of the job with this id.
    CancelJob(String),
}

impl Call {
    /// The whole HTTP request.
    pub fn request(&self, access: &Access, id: u64) -> Vec<u8> {
        let body = match self {
            Self::ToolsList => json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}),
            Self::Status(job) => tool(id, "status", &json!({"jobId": job})),
            Self::RunEval => {
                let arguments = json!({"taskId": access.task, "configId": access.config});
                tool(id, "run_eval", &arguments)
            }
            Self::CancelJob(job) => tool(id, "cancel_job", &json!({"jobId": job})),
        };
        post("/mcp", Some(&access.key), &body.to_string())
    }

    /// The job an answer speaks of (empty for `tools/list`), or why the answer is wrong.
    pub fn check(&self, answer: &Answer, id: u64) -> Result<String> {
        ensure!(answer.status == 200, "HTTP status {}", answer.status);
        let body: Value = serde_json::from_slice(&answer.body).context("the answer is not JSON")?;
        ensure!(body["id"] == json!(id), "the answer carries the id {}", body["id"]);
        let result = body.get("result").with_context(|| format!("no result: {}", body["error"]))?;
        if *self == Self::ToolsList {
            let tools = result["tools"].as_array().context("tools/list answers no tools")?;
            ensure!(!tools.is_empty(), "tools/list answers an empty list");
            return Ok(String::new());
        }
        ensure!(result["isError"] != json!(true), "the tool failed: {}", result["content"]);
        let job = result["structuredContent"]["jobId"].as_str().context("no jobId")?;
        match self {
            Self::Status(asked) | Self::CancelJob(asked) => {
                ensure!(job == asked, "asked for {asked}, answered {job}");
            }
            Self::RunEval => {
                let status = &result["structuredContent"]["status"];
                ensure!(status == "QUEUED", "a new job is {status}");
            }
            Self::ToolsList => {}
        }
        Ok(job.to_owned())
    }

    /// Makes the call on a connection and checks the answer.
    pub fn make(&self, connection: &mut Connection, access: &Access, id: u64) -> Result<String> {
        let answer = connection.exchange(&self.request(access, id))?;
        self.check(&answer, id)
    }
}

/// The body of a call of a tool.
pub fn tool(id: u64, name: &str, arguments: &Value) -> Value {
    json!({
        "jsonrpc": "2.0",
        "id": id,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(call: &Call, body: &Value) -> Result<String> {
        call.check(&Answer { status: 200, body: body.to_string().into_bytes() }, 3)
    }

    #[test]
    fn an_answer_must_carry_the_id_the_job_and_no_error() {
        let call = Call::Status("job_a".into());
        let right = json!({"id": 3, "result": {"structuredContent": {"jobId": "job_a"}}});
        assert_eq!(check(&call, &right).unwrap(), "job_a");
        let other_job = json!({"id": 3, "result": {"structuredContent": {"jobId": "job_b"}}});
        assert!(check(&call, &other_job).is_err());
        let other_id = json!({"id": 4, "result": {"structuredContent": {"jobId": "job_a"}}});
        assert!(check(&call, &other_id).is_err());
        let failed = json!({"id": 3, "result": {"isError": true, "content": []}});
        assert!(check(&call, &failed).is_err());
        assert!(check(&call, &json!({"id": 3, "error": {"code": -32602}})).is_err());
    }
}
