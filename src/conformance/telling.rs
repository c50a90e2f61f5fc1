//! Tools that tell their client something before the answer.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::fixture::{plain, text};
use crate::tools::{AnyTool, Call, List, LogLevel, Progress};

const PAUSE: Duration = Duration::from_millis(50);
const LOGGER: &str = "conformance";

pub(super) fn tools() -> Vec<Box<dyn AnyTool>> {
    vec![
        plain("test_tool_with_logging", |Call { client, .. }, _| {
            Box::pin(async move {
                for (n, said) in ["started", "processing data", "completed"].iter().enumerate() {
                    if 0 < n {
                        sleep(PAUSE).await;
                    }
                    let said = if n == 1 {
                        format!("Tool {said}")
                    } else {
                        format!("Tool execution {said}")
                    };
                    client.log(LogLevel::Info, LOGGER, json!(said));
                }
                text("Tool with logging executed successfully")
            })
        }),
        plain("test_logging_tool", |Call { client, .. }, _| {
            Box::pin(async move {
                client.log(LogLevel::Info, LOGGER, json!("a message of the logging tool"));
                text("One message was logged, for who wants to hear of it.")
            })
        }),
        plain("test_tool_with_progress", |Call { client, .. }, _| {
            Box::pin(async move {
                for progress in [0.0, 50.0, 100.0] {
                    let total = Some(100.0);
                    client.progress(Progress { progress, total, message: None });
                    sleep(PAUSE).await;
                }
                text("Tool with progress executed successfully")
            })
        }),
        plain("test_reconnection", |Call { client, .. }, _| {
            Box::pin(async move {
                sleep(PAUSE * 2).await;
                client.let_go();
                sleep(PAUSE * 4).await;
                text("Reconnection test completed")
            })
        }),
        plain("test_trigger_tool_change", |Call { client, .. }, _| {
            Box::pin(async move {
                client.list_changed(List::Tools);
                text("The list of tools was announced as another one.")
            })
        }),
        plain("test_trigger_prompt_change", |Call { client, .. }, _| {
            Box::pin(async move {
                client.list_changed(List::Prompts);
                text("The list of prompts was announced as another one.")
            })
        }),
    ]
}
