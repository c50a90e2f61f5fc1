//! Tools that answer with each kind of content, and one whose schema uses all of JSON Schema.

use serde_json::json;

use super::fixture::{content, plain, text, with};
use crate::tools::{AnyTool, ToolError};

pub(super) const IMAGE: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC";
const SOUND: &str = "UklGRiwAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQgAAACAgICAgICAgA==";

pub(super) fn tools() -> Vec<Box<dyn AnyTool>> {
    vec![
        plain("test_simple_text", |_, _| {
            Box::pin(async { text("This is a simple text response for testing.") })
        }),
        plain("test_image_content", |_, _| {
            Box::pin(async {
                content(&json!([{ "type": "image", "data": IMAGE, "mimeType": "image/png" }]))
            })
        }),
        plain("test_audio_content", |_, _| {
            Box::pin(async {
                content(&json!([{ "type": "audio", "data": SOUND, "mimeType": "audio/wav" }]))
            })
        }),
        plain("test_embedded_resource", |_, _| {
            Box::pin(async {
                content(&json!([{ "type": "resource", "resource": {
                    "uri": "test://embedded-resource",
                    "mimeType": "text/plain",
                    "text": "This is an embedded resource content.",
                } }]))
            })
        }),
        plain("test_multiple_content_types", |_, _| {
            Box::pin(async {
                content(&json!([
                    { "type": "text", "text": "Multiple content types test:" },
                    { "type": "image", "data": IMAGE, "mimeType": "image/png" },
                    { "type": "resource", "resource": {
                        "uri": "test://mixed-content-resource",
                        "mimeType": "application/json",
                        "text": r#"{"test":"data","value":123}"#,
                    } },
                ]))
            })
        }),
        plain("test_error_handling", |_, _| {
            Box::pin(async {
                let why = "This tool intentionally returns an error for testing";
                Err(ToolError::Refused(why.to_owned()))
            })
        }),
        with("json_schema_2020_12_tool", every_keyword(), |_, arguments| {
            Box::pin(async move { text(&arguments.to_string()) })
        }),
        with(
            "test_x_mcp_header",
            json!({
                "type": "object",
                "properties": { "region": { "type": "string", "x-mcp-header": "Region" } },
            }),
            |_, arguments| {
                Box::pin(async move { text(&format!("The region is {}.", arguments["region"])) })
            },
        ),
    ]
}

fn every_keyword() -> serde_json::Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": { "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": { "street": { "type": "string" }, "city": { "type": "string" } },
        } },
        "properties": {
            "name": { "type": "string" },
            "address": { "$ref": "#/$defs/address" },
            "contactMethod": { "type": "string", "enum": ["phone", "email"] },
            "phone": { "type": "string" },
            "email": { "type": "string" },
        },
        "allOf": [{ "anyOf": [{ "required": ["phone"] }, { "required": ["email"] }] }],
        "if": {
            "properties": { "contactMethod": { "const": "phone" } },
            "required": ["contactMethod"],
        },
        "then": { "required": ["phone"] },
        "else": { "required": ["email"] },
        "additionalProperties": false,
    })
}
