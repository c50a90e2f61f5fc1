//! `GET /openapi.json`: what can be asked of the daemon over HTTP, in `OpenAPI` 3.2.
//!
//! # Invariants
//!
//! 1. The skeleton in `assets/openapi.json` has the paths of [`ROUTES`] and no others; a test keeps
//!    it so.
//! 2. What can be derived is not written down: the tools' schemas, the version, who may use a path,
//!    what the gate in front of all routes answers, and `HEAD`, which is `GET` without a body.

use std::sync::OnceLock;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde_json::{Map, Value, json};

use crate::http::routes::{self, Access, ROUTES, Route};
use crate::http::{Shared, answers};
use crate::repo::ContentDigest;

const SKELETON: &str = include_str!("../../assets/openapi.json");

/// The document as it is sent; the same for as long as the process lives.
static DOCUMENT: OnceLock<(Bytes, String)> = OnceLock::new();

pub(super) async fn get(request: HttpRequest, shared: web::Data<Shared>) -> HttpResponse {
    let (text, tag) = DOCUMENT.get_or_init(|| {
        let text = document(&shared.server.tools()).to_string();
        let tag = format!("\"{}\"", ContentDigest::of(text.as_bytes()));
        (text.into(), tag)
    });
    let is_known = answers::is_known(&request, tag);
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header((header::ETAG, tag.as_str()));
    if is_known {
        answer.finish()
    } else {
        answer.content_type("application/json").body(text.clone())
    }
}

/// The skeleton, with all that is derived. `tools` is what `tools/list` gives.
fn document(tools: &[Value]) -> Value {
    let mut document: Value = serde_json::from_str(SKELETON).expect("a test reads it");
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    let schemas = &mut document["components"]["schemas"];
    schemas["ToolCall"]["anyOf"] = tools.iter().map(call_reference).collect();
    for tool in tools {
        schemas[call_name(tool)] = call_schema(tool);
    }
    for route in ROUTES {
        if let Some(path) = document["paths"][described(route.path)].as_object_mut() {
            complete(path, route);
        }
    }
    if let Some(shared) = document["components"]["responses"].as_object_mut() {
        shared.values_mut().for_each(carry_request_id);
    }
    document
}

/// Every answer carries the id of its request.
fn carry_request_id(answer: &mut Value) {
    if answer.get("$ref").is_none() {
        answer["headers"]["X-Request-Id"] = json!({ "$ref": "#/components/headers/XRequestId" });
    }
}

/// A route's path as `OpenAPI` writes it: without the pattern of what stands in its place.
fn described(path: &str) -> String {
    path.replace(":.*}", "}")
}

fn call_name(tool: &Value) -> String {
    format!("Call_{}", tool["name"].as_str().unwrap_or_default())
}

fn call_reference(tool: &Value) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", call_name(tool)) })
}

fn call_schema(tool: &Value) -> Value {
    let arguments = &tool["inputSchema"];
    let needs_arguments = arguments["required"].as_array().is_some_and(|all| !all.is_empty());
    let required = if needs_arguments { json!(["name", "arguments"]) } else { json!(["name"]) };
    json!({
        "title": tool["title"],
        "description": tool["description"],
        "type": "object",
        "required": ["jsonrpc", "id", "method", "params"],
        "properties": {
            "jsonrpc": { "const": "2.0" },
            "id": { "$ref": "#/components/schemas/MessageId" },
            "method": { "const": "tools/call" },
            "params": {
                "type": "object",
                "required": required,
                "properties": { "name": { "const": tool["name"] }, "arguments": arguments },
            },
        },
    })
}

/// Adds to a path what follows from its route.
fn complete(path: &mut Map<String, Value>, route: &Route) {
    for method in ["delete", "get", "post"] {
        let Some(operation) = path.get_mut(method) else { continue };
        if route.access == Access::Public {
            operation["security"] = json!([]);
        }
        let Some(responses) = operation["responses"].as_object_mut() else { continue };
        for (status, name) in answers_of_the_gate(route) {
            let answer = json!({ "$ref": format!("#/components/responses/{name}") });
            responses.entry(status).or_insert(answer);
        }
        responses.values_mut().for_each(carry_request_id);
    }
    if route.allow.contains("HEAD")
        && let Some(get) = path.get("get")
    {
        path.insert("head".to_owned(), without_bodies(get));
    }
}

/// What is answered before a request reaches its route, or when the route panics.
fn answers_of_the_gate(route: &Route) -> Vec<(&'static str, &'static str)> {
    let mut all =
        vec![("403", "NotHere"), ("413", "TooLarge"), ("415", "WrongType"), ("500", "Failed")];
    if route.access != Access::Public {
        all.extend([("400", "NotUnderstood"), ("401", "NoKey")]);
    }
    if routes::is_limited(route.access, route.path) {
        all.push(("429", "TooManyRequests"));
    }
    all
}

fn without_bodies(get: &Value) -> Value {
    let mut head = get.clone();
    let id = get["operationId"].as_str().unwrap_or_default();
    head["operationId"] = format!("{id}Head").into();
    if let Some(responses) = head["responses"].as_object_mut() {
        for answer in responses.values_mut().filter_map(Value::as_object_mut) {
            answer.remove("content");
        }
    }
    head
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::tools::{Registry, Role};

    fn described_fully() -> Value {
        document(&Registry::new(true).describe(Role::Operate))
    }

    #[test]
    fn it_has_the_routes_with_their_methods_and_no_others() {
        let document = described_fully();
        let mut described_here = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|key| *key != "summary") {
                described_here.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
        let served = ROUTES.iter().flat_map(|route| {
            let methods = route.allow.split(", ");
            methods.map(|method| format!("{method} {}", described(route.path)))
        });
        assert_eq!(described_here, served.collect());
    }

    #[test]
    fn who_may_use_a_path_is_said_as_the_gate_has_it() {
        let document = described_fully();
        for route in ROUTES {
            let path = &document["paths"][described(route.path)];
            let security = path.get("get").or(path.get("post")).unwrap().get("security");
            let in_query = security.is_some_and(|all| all.to_string().contains("keyInQuery"));
            let is_public = security == Some(&json!([]));
            let said = match (is_public, in_query) {
                (true, _) => Access::Public,
                (false, true) => Access::KeyOrQuery,
                (false, false) => Access::Key,
            };
            assert_eq!(said, route.access, "{}", route.path);
        }
    }

    #[test]
    fn what_the_gate_refuses_on_every_path_is_described_for_every_operation() {
        let document = described_fully();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if method == "summary" {
                    continue;
                }
                for status in ["403", "413", "415", "500"] {
                    let answer = &operation["responses"][status];
                    assert!(answer.is_object(), "{method} {path} says nothing of {status}");
                }
            }
        }
    }

    #[test]
    fn every_reference_leads_somewhere_and_every_operation_has_its_own_id() {
        fn walk(value: &Value, references: &mut Vec<String>, ids: &mut Vec<String>) {
            match value {
                Value::Object(members) => {
                    for (name, member) in members {
                        match (name.as_str(), member.as_str()) {
                            ("$ref", Some(to)) => references.push(to.to_owned()),
                            ("operationId", Some(id)) => ids.push(id.to_owned()),
                            _ => walk(member, references, ids),
                        }
                    }
                }
                Value::Array(all) => all.iter().for_each(|one| walk(one, references, ids)),
                _ => {}
            }
        }
        let document = described_fully();
        let (mut references, mut ids) = (Vec::new(), Vec::new());
        walk(&document, &mut references, &mut ids);
        for reference in &references {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
        let different: BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len(), "{ids:?}");
        let calls = document["components"]["schemas"]["ToolCall"]["anyOf"].as_array().unwrap();
        assert_eq!(calls.len(), Registry::new(true).names().len());
    }
}
