//! The pages hold what they show: their curl lines are run, and their lists compared.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use lukhas_mcp::canaries::policy::{Policy, PolicyRequest};
use regex::Regex;

use crate::harness::{Daemon, Home, skip};
use crate::metrics::target::Target;

const KEY: &str = "a-key-of-the-pages";

/// Before each block: an HTTP status of 400 and more is a failure, and a stream, which has no end of
/// its own, ends after a second.
const PRELUDE: &str = r#"
curl() {
  case " $* " in
    *" -N "* | *" -sN "*)
      command curl --fail-with-body --max-time 1 "$@"
      [ $? -eq 28 ] ;;
    *) command curl --fail-with-body --max-time 20 "$@" ;;
  esac
}
"#;

/// A block of a page that is run.
struct Block {
    page: String,
    line: usize,
    text: String,
}

fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_dir(root.join("docs")).unwrap();
    let mut pages: Vec<PathBuf> = docs.map(|entry| entry.unwrap().path()).collect();
    pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

/// The `sh` blocks of a page that begin with curl.
fn blocks_of(page: &Path) -> Vec<Block> {
    let fence = Regex::new(r"(?ms)^```sh\n(curl .*?)^```$").unwrap();
    let text = std::fs::read_to_string(page).unwrap();
    let name = page.file_name().unwrap().to_str().unwrap();
    let block = |hit: regex::Captures<'_>| Block {
        page: name.to_owned(),
        line: text[..hit.get(0).unwrap().start()].matches('\n').count() + 1,
        text: hit[1].to_owned(),
    };
    fence.captures_iter(&text).map(block).collect()
}

fn curl_is_there() -> bool {
    let is_there = Command::new("curl").arg("--version").output().is_ok();
    if !is_there {
        skip("the pages' curl lines", "there is no curl");
    }
    is_there
}

/// What stands in the variables that the pages ask their reader to set.
struct Reader<'a> {
    daemon: &'a Daemon,
    key: &'a str,
    job: String,
    /// As the last block that started one answered.
    canary: String,
    /// As the last block that named one answered.
    sha: String,
}

impl Reader<'_> {
    /// Runs a block and keeps what its answer names; an error says what went wrong.
    fn run(&mut self, block: &Block) -> Result<(), String> {
        let script = format!("{PRELUDE}\n{}", block.text);
        let url = self.daemon.url.as_str();
        let ran = Command::new("sh")
            .args(["-c", &script])
            .envs([
                ("URL", url),
                ("KEY", self.key),
                ("JOB", &self.job),
                ("CANARY", &self.canary),
                ("SHA", &self.sha),
            ])
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&ran.stdout).into_owned();
        let place = format!("{}:{}", block.page, block.line);
        if !ran.status.success() {
            let complaint = String::from_utf8_lossy(&ran.stderr);
            return Err(format!("{place}: {}\n{printed}{complaint}", ran.status));
        }
        if block.text.contains("/sse?") && !printed.contains("event: open") {
            return Err(format!("{place}: no event came\n{printed}"));
        }
        if printed.contains(r#""isError":true"#) || printed.contains(r#""error":{"code""#) {
            return Err(format!("{place}: refused\n{printed}"));
        }
        let sha = Regex::new(r#""sha256":"([0-9a-f]{64})""#).unwrap();
        if let Some(hit) = sha.captures_iter(&printed).last() {
            hit[1].clone_into(&mut self.sha);
        }
        if block.text.contains(r#""start_canary""#) {
            let id = Regex::new(r#""canaryId":"(canary_[\w-]+)""#).unwrap();
            let Some(hit) = id.captures(&printed) else {
                return Err(format!("{place}: no canary was started\n{printed}"));
            };
            hit[1].clone_into(&mut self.canary);
        }
        Ok(())
    }
}

/// A home whose daemons watch canaries by the metrics of a target.
fn home_watching(target: &Target) -> Home {
    Home::new()
        .with("LUKHAS_SCRAPE_URL", &format!("http://{}/metrics", target.address))
        .with("PROM_TOTAL", r#"http_requests_total{gate="canary"}"#)
        .with("PROM_ERRORS", r#"http_requests_total{gate="canary",code=~"5.."}"#)
        .with("PROM_BUCKET", r#"http_request_duration_seconds_bucket{gate="canary"}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_curl_lines_of_the_pages_work() {
    if !curl_is_there() {
        return;
    }
    let target = Target::start(true).await;
    // The README's lines are for a daemon without keys, those of the pages for one with.
    let open_home = home_watching(&target);
    git2::Repository::init(open_home.path()).unwrap();
    let open = open_home.start().await;
    let keyed_home = home_watching(&target).with("LUKHAS_MCP_API_KEYS", KEY);
    git2::Repository::init(keyed_home.path()).unwrap();
    let keyed = keyed_home.start().await.with_key(KEY);
    let (mut ran, mut wrong) = (0, Vec::new());
    for (daemon, key) in [(&open, ""), (&keyed, KEY)] {
        let job = daemon.run_eval("quick").await;
        daemon.until(&job, &["COMPLETED"]).await;
        let mut reader = Reader { daemon, key, job, canary: String::new(), sha: String::new() };
        let is_open = key.is_empty();
        let blocks = pages().into_iter().filter(|page| page.ends_with("README.md") == is_open);
        for block in blocks.flat_map(|page| blocks_of(&page)) {
            ran += 1;
            if let Err(what) = reader.run(&block) {
                wrong.push(what);
            }
        }
    }
    assert!(20 <= ran, "only {ran} blocks were found");
    assert!(wrong.is_empty(), "{} of {ran} went wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The programs of a language on the page about clients.
fn programs_in(language: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/clients.md");
    let page = std::fs::read_to_string(page).unwrap();
    let fence = Regex::new(&format!(r"(?ms)^```{language}\n(.*?)^```$")).unwrap();
    fence.captures_iter(&page).map(|hit| hit[1].to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_programs_of_the_page_about_clients_work() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", KEY);
    let daemon = home.start().await;
    for (language, interpreter, ending) in [("python", "python3", "py"), ("js", "node", "mjs")] {
        if Command::new(interpreter).arg("--version").output().is_err() {
            skip("the programs of the page about clients", &format!("there is no {interpreter}"));
            continue;
        }
        let programs = programs_in(language);
        assert!(!programs.is_empty(), "there is no program in {language}");
        for program in programs {
            let file = home.path().join(format!("program.{ending}"));
            std::fs::write(&file, program).unwrap();
            let environment = [("URL", daemon.url.as_str()), ("KEY", KEY)];
            let ran = Command::new(interpreter).arg(&file).envs(environment).output().unwrap();
            let printed = String::from_utf8_lossy(&ran.stdout);
            let complaint = String::from_utf8_lossy(&ran.stderr);
            assert!(ran.status.success(), "{language}: {complaint}");
            assert!(
                printed.contains("completed") && printed.contains("accuracy"),
                "{language}: {printed}{complaint}"
            );
        }
    }
}

/// What is JSON or TOML on the page about clients can be put into a file as it is.
#[test]
fn the_settings_of_other_clients_can_be_read() {
    for text in programs_in("json") {
        let settings: serde_json::Value = serde_json::from_str(&text).unwrap();
        let servers = settings.get("mcpServers").or(settings.get("servers")).unwrap();
        assert!(servers["lukhas-mcp"].is_object(), "{text}");
    }
    for text in programs_in("toml") {
        let settings: toml::Table = text.parse().unwrap();
        assert!(settings["mcp_servers"]["lukhas-mcp"]["url"].is_str(), "{text}");
    }
}

#[tokio::test]
async fn the_readme_lists_the_tools_that_there_are() {
    let home = Home::new().with_chat();
    let daemon = home.start().await;
    let listed = daemon.rpc("tools/list", serde_json::json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap().iter();
    let tools: BTreeSet<&str> = tools.map(|tool| tool["name"].as_str().unwrap()).collect();
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let lines = ["Tools: ", "With the chat: "]
        .map(|begin| readme.lines().find(|line| line.starts_with(begin)).unwrap());
    let name = Regex::new(r"`(\w+)`").unwrap();
    let names = lines.iter().flat_map(|line| name.captures_iter(line));
    let shown: BTreeSet<&str> = names.map(|hit| hit.get(1).unwrap().as_str()).collect();
    assert_eq!(shown, tools);
}

#[tokio::test]
async fn the_page_lists_the_metrics_that_there_are() {
    let home = Home::new().with_chat();
    let daemon = home.start().await;
    let shown = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    let names = |pattern: &str, text: &str| -> BTreeSet<String> {
        let pattern = Regex::new(pattern).unwrap();
        pattern.captures_iter(text).map(|hit| format!("{} {}", &hit[1], &hit[2])).collect()
    };
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert_eq!(
        names(r"(?m)^\| `(lukhas_mcp_\w+)` \| (\w+) \|", &page),
        names(r"(?m)^# TYPE (lukhas_mcp_\w+) (\w+)$", &shown)
    );
}

#[test]
fn links_between_pages_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#:]+)(?:#[^)]*)?\)").unwrap();
    let mut broken = Vec::new();
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for hit in link.captures_iter(&text) {
            if !page.parent().unwrap().join(&hit[1]).exists() {
                broken.push(format!("{}: {}", page.display(), &hit[1]));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_fault_of_the_earlier_backend_has_tests_that_there_are() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/chat-proofs.md")).unwrap();
    let row = Regex::new(r"(?m)^\| B(\d+) \| [^|]+ \| (.+) \|$").unwrap();
    let test = Regex::new(r"`([\w/.]+)::(\w+)`").unwrap();
    let mut faults = Vec::new();
    for hit in row.captures_iter(&page) {
        faults.push(hit[1].parse::<u32>().unwrap());
        let tests: Vec<_> = test.captures_iter(&hit[2]).collect();
        assert!(!tests.is_empty(), "B{} has no test", &hit[1]);
        for named in tests {
            let source = std::fs::read_to_string(root.join(&named[1]));
            let source = source.unwrap_or_else(|error| panic!("{}: {error}", &named[1]));
            let is_there = ["fn", "def"].map(|word| format!("{word} {}(", &named[2]));
            let is_there = is_there.iter().any(|begin| source.contains(begin));
            assert!(is_there, "there is no test {}", &named[0]);
        }
    }
    assert_eq!(faults, (1..=25).collect::<Vec<_>>());
}

#[test]
fn the_policy_page_explains_every_field_and_its_example_is_a_policy() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/canary-policy.md");
    let page = std::fs::read_to_string(page).unwrap();
    let rows = Regex::new(r"(?m)^\| `(\w+)` \|").unwrap();
    let explained: BTreeSet<&str> =
        rows.captures_iter(&page).map(|hit| hit.get(1).unwrap().as_str()).collect();
    let schema = schemars::schema_for!(PolicyRequest).to_value();
    let fields = schema["properties"].as_object().unwrap();
    assert_eq!(explained, fields.keys().map(String::as_str).collect());
    let example = Regex::new(r"(?ms)^```json\n(.*?)^```$").unwrap().captures(&page).unwrap();
    let policy: Policy = serde_json::from_str(&example[1]).unwrap();
    let stored = serde_json::to_value(&policy).unwrap();
    assert_eq!(stored.as_object().unwrap().len(), fields.len(), "a stored policy is complete");
}
