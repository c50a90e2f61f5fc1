//! The resources of a daemon in which a few things happened.

use std::collections::HashSet;

use serde_json::json;

use super::*;
use crate::tools::cursor_after;
use crate::tools::tests::bench::Bench;

/// All pages of the list.
async fn all(resources: &Resources, bench: &Bench) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let page = resources.list(&bench.caller, cursor.as_deref()).await.unwrap();
        items.extend(page.items);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return items;
        }
    }
}

async fn read_one(resources: &Resources, bench: &Bench, uri: &str) -> Value {
    let contents = resources.read(bench.call(), uri).await.unwrap();
    let [one] = contents.try_into().expect("one part");
    assert_eq!(one["uri"], uri);
    one
}

fn uris(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["uri"].as_str().unwrap()).collect()
}

#[actix::test]
async fn what_is_listed_can_be_read_and_is_what_it_said() {
    let bench = Bench::new().await;
    bench.put("README.md", b"# It\n");
    bench.put("Cargo.toml", b"[package]\n");
    bench.put("docs/guide.md", b"Guide\n");
    bench.put("docs/picture.png", b"\x89PNG");
    bench.put("src/main.rs", b"fn main() {}\n");
    bench.put(".env", b"SECRET=1\n");
    let good = bench.eval("accuracy", true).await;
    let bad = bench.eval("accuracy", false).await;
    bench.promote("ranker:1", "production").await;
    let canary = bench.start_canary("ranker:2").await;
    bench.until_over(&canary).await;

    let resources = Resources::new(bench.doors.clone());
    let items = all(&resources, &bench).await;
    let expected = [
        format!("canary://{canary}"),
        format!("job://{bad}"),
        format!("job://{good}"),
        "model://ranker%3A1".to_owned(),
        "model://ranker%3A2".to_owned(),
        "repo://README.md".to_owned(),
        "repo://Cargo.toml".to_owned(),
        "repo://docs/guide.md".to_owned(),
    ];
    assert_eq!(uris(&items), expected);
    for item in &items {
        let uri = item["uri"].as_str().unwrap();
        let contents = read_one(&resources, &bench, uri).await;
        assert_eq!(contents["mimeType"], item["mimeType"]);
        let text = contents["text"].as_str().unwrap();
        if let Some(size) = item["size"].as_u64() {
            assert_eq!(text.len() as u64, size);
        }
        for member in ["name", "title", "description"] {
            assert!(!item[member].as_str().unwrap().is_empty(), "{item}");
        }
        let annotations = &item["annotations"];
        assert_eq!(annotations["audience"], json!(["user", "assistant"]));
        assert!((0.0..=1.0).contains(&annotations["priority"].as_f64().unwrap()));
        let at = annotations["lastModified"].as_str();
        assert!(at.is_none_or(|at| crate::clock::Timestamp::parse(at).is_ok()), "{item}");
    }
    assert!(items[0]["description"].as_str().unwrap().contains("ROLLED_BACK"), "{}", items[0]);
    let story = read_one(&resources, &bench, &expected[0]).await;
    let story = story["text"].as_str().unwrap();
    assert!(story.contains("## Evidence") && story.contains("## Story"), "{story}");
}

#[actix::test]
async fn facts_are_told_as_json_and_files_as_what_they_are() {
    let bench = Bench::new().await;
    bench.put("a b#.bin", &[0xff, 0x00]);
    let job = bench.eval("accuracy", true).await;
    let resources = Resources::new(bench.doors.clone());
    let facts = read_one(&resources, &bench, &format!("audit://{job}")).await;
    assert_eq!(facts["mimeType"], "application/json");
    let facts: Value = serde_json::from_str(facts["text"].as_str().unwrap()).unwrap();
    assert_eq!((&facts["id"], &facts["entityType"]), (&json!(job), &json!("job")));
    let told = facts["facts"].as_array().unwrap();
    let actions: Vec<_> = told.iter().map(|fact| fact["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["run_eval", "job_running", "job_complete"]);
    assert_eq!((&told[0]["details"]["taskId"], &facts["omitted"]), (&json!("accuracy"), &json!(0)));

    let uri = "repo://a%20b%23.bin";
    let expected = json!({ "uri": uri, "mimeType": "application/octet-stream", "blob": "/wA=" });
    assert_eq!(read_one(&resources, &bench, uri).await, expected);
}

#[actix::test]
async fn what_is_not_there_is_unknown_and_never_empty() {
    let bench = Bench::new().await;
    bench.put(".env", b"SECRET=1\n");
    bench.put(".git/config", b"[core]\n");
    bench.put("docs/x.md", b"x");
    let resources = Resources::new(bench.doors.clone());
    for uri in [
        "",
        "nonsense",
        "job://job_unknown",
        "canary://canary_unknown",
        "model://unknown",
        "audit://unknown",
        "repo://missing.md",
        "repo://docs/x.md/below",
        "repo://.env",
        "repo://.git/config",
        "repo://../etc/passwd",
        "repo://docs%2F..%2F.env",
        "ui://nothing",
    ] {
        let error = resources.read(bench.call(), uri).await.unwrap_err();
        assert!(matches!(&error, ResourceError::Unknown { uri: named } if named == uri), "{uri}");
    }
    let error = resources.read(bench.call(), "repo://docs").await.unwrap_err();
    assert_eq!(error.to_string(), "docs is a directory, and only regular files can be used");
    assert!(matches!(error, ResourceError::Invalid(_)));
}

#[actix::test]
async fn what_is_too_large_is_refused_with_the_way_to_read_it() {
    let bench = Bench::new().await;
    let largest = usize::try_from(document::LARGEST).unwrap();
    bench.put("fits.txt", &vec![b'x'; largest]);
    bench.put("large.txt", &vec![b'x'; largest + 1]);
    bench.put("huge.txt", &vec![b'x'; 4 * largest + 1]);
    let resources = Resources::new(bench.doors.clone());
    read_one(&resources, &bench, "repo://fits.txt").await;
    let refused = resources.read(bench.call(), "repo://large.txt").await.unwrap_err().to_string();
    assert_eq!(
        refused,
        "large.txt has 1048577 bytes, and a resource has at most 1048576; read it in parts with \
         the tool fetch: id lukhas-path:bGFyZ2UudHh0, and lines"
    );
    let refused = resources.read(bench.call(), "repo://huge.txt").await.unwrap_err().to_string();
    assert!(refused.starts_with("huge.txt has 4194305 bytes, and files of more than"), "{refused}");
}

#[actix::test]
async fn a_list_that_is_longer_than_a_page_goes_on_behind_its_own_cursors_only() {
    let bench = Bench::new().await;
    for n in 0..120 {
        bench.promote(&format!("m:{n:03}"), "staging").await;
        bench.put(&format!("docs/{n:03}.md"), b"x");
    }
    let resources = Resources::new(bench.doors.clone());
    let first = resources.list(&bench.caller, None).await.unwrap();
    assert_eq!(first.items.len(), 100);
    let items = all(&resources, &bench).await;
    // A hundred of each.
    assert_eq!(items.len(), 200);
    assert_eq!(uris(&items).into_iter().collect::<HashSet<_>>().len(), 200);
    assert_eq!(items, all(&resources, &bench).await);

    let cursor = first.next_cursor.unwrap();
    let after_a_restart = Resources::new(bench.doors.clone());
    let second = after_a_restart.list(&bench.caller, Some(&cursor)).await.unwrap();
    assert_eq!(second.items, items[100..]);
    let elsewhere = [
        cursor_after("tools", "status"),
        cursor_after("resources", "status"),
        cursor_after("resources", r#"{"family":1,"listed":0,"after":"the first"}"#),
    ];
    let made_up = ["2", "", &cursor[1..]];
    for cursor in elsewhere.iter().map(String::as_str).chain(made_up) {
        let error = resources.list(&bench.caller, Some(cursor)).await.unwrap_err();
        assert!(matches!(error, ResourceError::InvalidCursor), "{cursor}: {error}");
    }
}

#[actix::test]
async fn the_variable_of_a_template_is_completed_from_what_there_is() {
    let bench = Bench::new().await;
    bench.put("docs/guide.md", b"x");
    bench.put("docs/deep/x.md", b"x");
    bench.put("docs/.env", b"x");
    bench.put("done.txt", b"x");
    let (first, second) = (bench.eval("a", true).await, bench.eval("a", true).await);
    bench.promote("ranker:1", "production").await;
    bench.promote("other", "staging").await;
    let resources = Resources::new(bench.doors.clone());
    let none = Map::new();
    let complete = async |template: &str, argument: &str, value: &str| {
        resources.complete(&bench.caller, template, argument, value, &none).await
    };
    for (template, argument, value, expected) in [
        ("job://{id}", "id", "", vec![second.as_str(), first.as_str()]),
        ("job://{id}", "id", first.as_str(), vec![first.as_str()]),
        ("canary://{id}", "id", "", vec![]),
        ("model://{id}", "id", "", vec!["other", "ranker:1"]),
        ("model://{id}", "id", "r", vec!["ranker:1"]),
        ("audit://{id}", "id", "", vec![second.as_str(), first.as_str(), "other", "ranker:1"]),
        ("repo://{path}", "path", "do", vec!["docs/", "done.txt"]),
        ("repo://{path}", "path", "docs/", vec!["docs/deep/", "docs/guide.md"]),
        ("repo://{path}", "path", "docs/g", vec!["docs/guide.md"]),
        ("repo://{path}", "path", "missing/", vec![]),
        ("repo://{path}", "path", "../", vec![]),
        ("repo://{path}", "path", "done.txt/", vec![]),
        ("repo://{path}", "path", ".git/", vec![]),
    ] {
        let completion = complete(template, argument, value).await.unwrap();
        assert_eq!(completion.values, expected, "{template} {value}");
        let all = (Some(completion.values.len()), false);
        assert_eq!((completion.total, completion.has_more), all, "{template} {value}");
    }
    let error = complete("job://{id}", "jobId", "").await.unwrap_err();
    assert_eq!(error.to_string(), "argument: job://{id} has the variable id, and none named jobId");
    let error = complete("job://job_1", "id", "").await.unwrap_err();
    assert!(matches!(error, ResourceError::Unknown { .. }), "{error}");
}

#[actix::test]
async fn a_model_that_is_named_like_a_job_is_read_as_a_model() {
    let bench = Bench::new().await;
    let job = bench.eval("accuracy", true).await;
    bench.promote(job.as_str(), "production").await;
    let resources = Resources::new(bench.doors.clone());
    let model = read_one(&resources, &bench, &format!("model://{job}")).await;
    let model = model["text"].as_str().unwrap();
    assert!(model.contains("A model. It stands in production"), "{model}");
    assert!(!model.contains("The eval"), "{model}");
    let job = read_one(&resources, &bench, &format!("job://{job}")).await;
    assert!(job["text"].as_str().unwrap().contains("An eval of the task accuracy"), "{job}");
}

#[actix::test]
async fn templates_say_what_they_are_for() {
    let bench = Bench::new().await;
    let resources = Resources::new(bench.doors.clone());
    let templates = resources.templates();
    let forms: Vec<_> =
        templates.iter().map(|template| template["uriTemplate"].as_str().unwrap()).collect();
    let expected = ["canary://{id}", "job://{id}", "model://{id}", "repo://{path}", "audit://{id}"];
    assert_eq!(forms, expected);
    for template in &templates {
        for member in ["name", "title", "description"] {
            assert!(!template[member].as_str().unwrap().is_empty(), "{template}");
        }
    }
    assert_eq!(resources.entity("job://job_1").unwrap().to_string(), "job/job_1");
    assert_eq!(resources.entity("repo://README.md"), None);
}

/// A pack of one resource, as somebody may add one.
struct Motto;

#[async_trait]
impl ResourceFamily for Motto {
    fn templates(&self) -> Vec<Value> {
        Vec::new()
    }

    async fn list(
        &self,
        _: Asking<'_>,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Listed>, ResourceError> {
        let motto =
            Listed { place: "motto".to_owned(), resource: json!({ "uri": "test://motto" }) };
        Ok([motto].into_iter().filter(|_| after.is_none()).take(most).collect())
    }

    async fn read(&self, _: Call<'_>, uri: &str) -> Result<Option<Vec<Value>>, ResourceError> {
        Ok((uri == "test://motto").then(|| vec![json!({ "uri": uri, "text": "Onwards" })]))
    }

    fn entity(&self, _: &str) -> Option<Entity> {
        None
    }

    async fn complete(
        &self,
        _: Asking<'_>,
        _: &str,
        _: CompletionRequest<'_>,
    ) -> Result<Completion, ResourceError> {
        Ok(Completion::default())
    }
}

#[actix::test]
async fn a_pack_is_listed_and_read_like_the_others() {
    let bench = Bench::new().await;
    bench.put("README.md", b"x");
    let pack: Vec<Box<dyn ResourceFamily>> = vec![Box::new(Motto)];
    let resources = Resources::new(bench.doors.clone()).with(pack);
    assert_eq!(uris(&all(&resources, &bench).await), ["repo://README.md", "test://motto"]);
    assert_eq!(read_one(&resources, &bench, "test://motto").await["text"], "Onwards");
}
