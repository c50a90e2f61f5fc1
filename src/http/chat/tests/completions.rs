//! A client of the completions API.

use tokio::sync::Notify;

use super::stream::Reader;
use super::*;
use crate::adapters::llm::{LlmError, Message as Said};
use crate::chat::tests::fake_model::Step::{Call, Fail, Say, Wait};
use crate::chat::tests::outcomes;

fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

async fn post(
    house: &House,
    key: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> reqwest::Response {
    let mut request = http_client()
        .post(house.url("/v1/chat/completions"))
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", "application/json")
        .body(body.to_string());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn read(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

async fn ask(house: &House, messages: Value) -> Value {
    let body = json!({ "model": "fake", "messages": messages });
    let (status, answer) = read(post(house, KEY, &[], &body).await).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[actix::test]
async fn the_models_are_the_providers() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let get = async |path: &str| {
        let request = http_client().get(house.url(path)).header("x-api-key", READER);
        read(request.send().await.unwrap()).await
    };
    let (status, list) = get("/v1/models").await;
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!((status, ids), (200, vec![&json!("fake"), &json!("fake/fake-1")]));
    let (status, one) = get("/v1/models/fake/fake-1").await;
    assert_eq!((status, &one["owned_by"]), (200, &json!("fake")));
    let (status, none) = get("/v1/models/gpt").await;
    assert_eq!((status, &none["error"]["code"]), (404, &json!("model_not_found")));
}

#[actix::test]
async fn a_client_that_sends_everything_again_goes_on_in_its_conversation() {
    let house = House::new(FakeModel::saying(vec![vec![Say("one ")], vec![Say("two")]])).await;
    let first =
        ask(&house, json!([{ "role": "system", "content": "Count." }, user("start")])).await;
    assert_eq!(first["object"], "chat.completion");
    assert_eq!(first["choices"][0]["message"]["content"], "one ");
    assert_eq!(first["choices"][0]["finish_reason"], "stop");
    assert_eq!(first["usage"]["total_tokens"], 42);
    assert!(first["id"].as_str().unwrap().starts_with("chatcmpl-"));
    // It trims, as many clients do.
    let said = json!([user("start"), { "role": "assistant", "content": "one" }, user("go on")]);
    ask(&house, said.clone()).await;
    let rows = house.bench.chat.conversations("x", None, 10).await.unwrap().rows;
    assert!(rows.is_empty(), "they belong to who asked");
    let mut client = house.client().await;
    let all = client.act("conversations", json!({})).await;
    let all = all["data"]["conversations"].as_array().unwrap();
    assert_eq!((all.len(), &all[0]["origin"]), (1, &json!("api")));
    let asked = house.bench.model.asked();
    let told = |n: usize| asked[n].system.clone().unwrap_or_default();
    assert!(told(0).ends_with("Count."), "{}", told(0));
    assert!(!told(1).contains("Count."), "the system's words hold once");
    assert_eq!(asked[1].messages.len(), 3);
    // Another end of the same beginning is another conversation, which has that beginning.
    ask(&house, said).await;
    assert_eq!(house.bench.model.asked()[2].messages.len(), 3);
    assert_eq!(house.bench.model.asked()[2].messages[0], Said::User("start".to_owned()));
    let all = client.act("conversations", json!({})).await;
    assert_eq!(all["data"]["conversations"].as_array().unwrap().len(), 2);
}

#[actix::test]
async fn an_answer_streams() {
    let house = House::new(FakeModel::saying(vec![vec![Say("a"), Say("b")]])).await;
    let body = json!({
        "model": "fake/fake-1", "messages": [user("hi")], "stream": true,
        "stream_options": { "include_usage": true },
    });
    let response = post(&house, KEY, &[], &body).await;
    assert_eq!(response.status(), 200);
    assert!(response.headers()["x-lukhas-conversation"].to_str().unwrap().starts_with("conv_"));
    let mut reader = Reader::new(response);
    let (mut text, mut chunks) = (String::new(), Vec::new());
    loop {
        let (_, _, data) = reader.next().await.unwrap();
        if data == "[DONE]" {
            break;
        }
        let chunk: Value = serde_json::from_str(&data).unwrap();
        assert_eq!(
            (&chunk["object"], &chunk["model"]),
            (&json!("chat.completion.chunk"), &json!("fake/fake-1"))
        );
        text.push_str(chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        chunks.push(chunk);
    }
    assert_eq!(text, "ab");
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(chunks.last().unwrap()["usage"]["total_tokens"], 42);
    assert_eq!(reader.next().await, None);
}

#[actix::test]
async fn what_goes_wrong_has_the_status_that_clients_know() {
    let full = LlmError::RateLimited { provider: "fake".to_owned(), retry_after: None };
    let house = House::new(FakeModel::saying(vec![vec![Fail(full)]])).await;
    for stream in [true, false] {
        let body = json!({ "model": "gpt", "messages": [user("hi")], "stream": stream });
        let (status, answer) = read(post(&house, KEY, &[], &body).await).await;
        assert_eq!((status, &answer["error"]["param"]), (404, &json!("model")));
    }
    let body = json!({ "model": "fake", "messages": [user("hi")], "stream": true });
    let (status, answer) = read(post(&house, KEY, &[], &body).await).await;
    assert_eq!((status, &answer["error"]["type"]), (429, &json!("rate_limit_error")));
    let (status, _) = read(post(&house, READER, &[], &body).await).await;
    assert_eq!(status, 403);
    let (status, _) = read(post(&house, "wrong", &[], &body).await).await;
    assert_eq!(status, 401);
    let body = json!({ "model": "fake", "messages": [user("hi")], "n": 2 });
    let (status, answer) = read(post(&house, KEY, &[], &body).await).await;
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("n")));
}

#[actix::test]
async fn who_hangs_up_has_the_request_ended_and_what_came_is_kept() {
    let gate = Arc::new(Notify::new());
    let script = vec![vec![Say("part"), Wait(gate), Say("never")]];
    let house = House::new(FakeModel::saying(script)).await;
    let body = json!({ "model": "fake", "messages": [user("hi")], "stream": true });
    let response = post(&house, KEY, &[], &body).await;
    let conversation = response.headers()["x-lukhas-conversation"].to_str().unwrap().to_owned();
    let mut reader = Reader::new(response);
    while !reader.next().await.unwrap().2.contains("part") {}
    drop(reader);
    let events = house.bench.until_over(&conversation, 1).await;
    assert_eq!(crate::chat::tests::answers(&events), ["part"]);
    let end = serde_json::json!(events.last().unwrap().to_json(None, "c")).to_string();
    assert!(end.contains("cancelled"), "{end}");
}

#[actix::test]
async fn a_request_with_a_key_is_made_once() {
    let house = House::new(FakeModel::saying(vec![vec![Say("a")]])).await;
    let body = json!({ "model": "fake", "messages": [user("hi")] });
    let named = [("idempotency-key", "k1")];
    let (one, two) =
        tokio::join!(post(&house, KEY, &named, &body), post(&house, KEY, &named, &body));
    for response in [one, two, post(&house, KEY, &named, &body).await] {
        let (status, answer) = read(response).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(answer["choices"][0]["message"]["content"], "a");
        assert_eq!(answer["id"], "chatcmpl-k1");
    }
    assert_eq!(house.bench.model.asked().len(), 1);
    let other = json!({ "model": "fake", "messages": [user("something else")] });
    assert_eq!(post(&house, KEY, &named, &other).await.status(), 409);
}

#[actix::test]
async fn what_an_answer_is_to_be_like_is_told_to_the_model() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let body = json!({
        "model": "fake", "messages": [user("hi")], "temperature": 0.1, "max_completion_tokens": 7,
        "stop": "END",
    });
    assert_eq!(post(&house, KEY, &[], &body).await.status(), 200);
    let asked = &house.bench.model.asked()[0].overrides;
    assert_eq!((asked.temperature, asked.max_tokens, asked.top_p), (Some(0.1), Some(7), None));
    assert_eq!(asked.stop, ["END"]);
    let body = json!({ "model": "fake", "messages": [user("hi")], "seed": 1 });
    let (status, answer) = read(post(&house, KEY, &[], &body).await).await;
    assert_eq!((status, &answer["error"]["param"]), (400, &json!("seed")));
}

#[actix::test]
async fn nobody_is_there_to_approve_unless_that_is_said() {
    let call = || vec![Call(vec![("c1", "ops__change", "{}")])];
    let house = House::new(FakeModel::saying(vec![call(), vec![Say("no")]])).await;
    let body = json!({ "model": "fake", "messages": [user("change it")] });
    let response = post(&house, KEY, &[], &body).await;
    let conversation = response.headers()["x-lukhas-conversation"].to_str().unwrap().to_owned();
    let events = house.bench.until_over(&conversation, 1).await;
    assert_eq!(outcomes(&events), [("1", crate::chat::Outcome::Denied)]);
    house.bench.model.then(call());
    house.bench.model.then(vec![Say("yes")]);
    let attended = [("x-lukhas-attended", "true")];
    let (answer, ()) = tokio::join!(post(&house, KEY, &attended, &body), async {
        let mut client = house.client().await;
        loop {
            let list = client.act("approvals", json!({})).await;
            if let Some(id) = list["data"]["approvals"][0]["approval_id"].as_str() {
                let yes = json!({ "approval_id": id, "decision": "once" });
                client.act("approve", yes).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert_eq!(read(answer).await.1["choices"][0]["message"]["content"], "yes");
    let without = json!({ "model": "fake", "messages": [user("hi")], "tool_choice": "none" });
    post(&house, KEY, &[], &without).await;
    assert!(house.bench.model.asked().last().unwrap().tools.is_empty());
}
