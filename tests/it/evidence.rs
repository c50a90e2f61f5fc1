//! The audit chain from outside: exported, verified offline and on the spot, sealed, and untouched
//! by what removes jobs.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::database::Database;
use crate::harness::{Daemon, Home, PATIENCE, skip};

const KEY: &str = "a-key-of-the-evidence";

/// Reads a pack with the tools of somebody else: checks the zip, the hashes, the chain by the words
/// of chain.json, and that the table holds the rows.
const INDEPENDENT: &str = r#"
import csv, hashlib, io, json, sys, zipfile
pack = zipfile.ZipFile(sys.argv[1])
assert pack.testzip() is None
names = pack.namelist()
assert names == ["meta.json", "audits.json", "audits.csv", "narrative.txt", "decisions.json", "chain.json", "hashes.txt"], names
read = lambda name: pack.read(name).decode()
for line in read("hashes.txt").splitlines():
    digest, name = line.split("  ")
    assert hashlib.sha256(pack.read(name)).hexdigest() == digest, name
rows = json.loads(read("audits.json"))
chain = json.loads(read("chain.json"))
previous = chain["before"]
for row in rows + chain["untilCheckpoint"]:
    assert row["prev_hash"] == previous["hash"] and row["id"] == previous["id"] + 1, row
    fields = ["prev_hash", "id", "about", "ts", "actor", "action", "entity_type", "entity_id", "payload_json", "message"]
    text = json.dumps(["lukhas-mcp audit 1"] + [row[field] for field in fields], separators=(",", ":"), ensure_ascii=False)
    assert hashlib.sha256(text.encode()).hexdigest() == row["hash"], row
    previous = row
assert previous["hash"] == chain["checkpoints"][-1]["head"]
table = list(csv.DictReader(io.StringIO(read("audits.csv"), newline="")))
plain = lambda cell: cell[1:] if cell.startswith("'") else cell
for row, line in zip(rows, table, strict=True):
    for field, value in row.items():
        assert plain(line[field]) == ("" if value is None else str(value)), (field, line)
print(json.dumps({"meta": json.loads(read("meta.json")), "actions": [row["action"] for row in rows]}))
"#;

fn python(script: &str, arguments: &[&Path]) -> Option<Output> {
    let ran = Command::new("python3").args(["-c", script]).args(arguments).output();
    if ran.is_err() {
        skip("packs read by somebody else's tools", "there is no python3");
    }
    ran.ok()
}

async fn run(mut command: Command) -> (bool, String) {
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = [ran.stdout, ran.stderr].concat();
    (ran.status.success(), String::from_utf8(said).unwrap())
}

async fn keyed() -> (Home, Daemon) {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", KEY);
    let daemon = home.start().await.with_key(KEY);
    (home, daemon)
}

async fn export(daemon: &Daemon, query: &str) -> Vec<u8> {
    let answer = daemon.get(&format!("/evidence/export{query}")).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{query}");
    let header = |name| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/zip");
    let disposition = header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"evidence-2"), "{disposition}");
    let length: usize = header("content-length").parse().unwrap();
    let pack = answer.bytes().await.unwrap();
    assert_eq!(pack.len(), length);
    pack.to_vec()
}

#[tokio::test]
async fn a_pack_is_read_by_anybodys_tools_and_verified_by_ours() {
    let (home, mut daemon) = keyed().await;
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let file = home.path().join("pack.zip");
    std::fs::write(&file, export(&daemon, "?from=30d&to=now").await).unwrap();
    if let Some(read) = python(INDEPENDENT, &[&file]) {
        let complaint = String::from_utf8_lossy(&read.stderr);
        assert!(read.status.success(), "{complaint}");
        let said: Value = serde_json::from_slice(&read.stdout).unwrap();
        let actions =
            json!(["daemon_start", "run_eval", "job_running", "job_complete", "evidence_export"]);
        assert_eq!(said["actions"], actions);
        assert!(said["meta"]["principal"].as_str().unwrap().starts_with("key:"), "{said}");
        assert_eq!(said["meta"]["rows"], 5);
    }
    // Without the daemon, its database and its settings.
    daemon.terminate().await;
    let pack = file.to_str().unwrap();
    let elsewhere = Home::new();
    let (is_sound, said) = run(elsewhere.command(&["audit", "verify-export", pack])).await;
    assert!(is_sound && said.contains("ok   rows: 5 from"), "{said}");
    let (is_sound, said) =
        run(elsewhere.command(&["audit", "verify-export", pack, "--public-key", "ab"])).await;
    assert!(!is_sound && said.contains("not signed"), "{said}");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 3;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let (is_sound, said) = run(elsewhere.command(&["audit", "verify-export", pack])).await;
    assert!(!is_sound && said.contains("FAIL pack"), "{said}");
}

#[tokio::test]
async fn a_range_is_refused_in_words_and_evidence_needs_a_key() {
    let (_home, daemon) = keyed().await;
    for (query, words) in [
        ("?from=yesterday", "from must be an ISO 8601 time"),
        ("?to=1x", "to must be an ISO 8601 time"),
        ("?from=1d&to=2d", "from must not lie after to"),
        ("?from=1d&from=2d", "at most once"),
        ("?since=1d", "at most once"),
        ("?from=%ff", "from"),
    ] {
        let answer = daemon.get(&format!("/evidence/export{query}")).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{query}");
        let said: Value = answer.json().await.unwrap();
        assert!(said["message"].as_str().unwrap().contains(words), "{query}: {said}");
    }
    for query in ["", "?from=2020-01-01T00:00:00%2B01:00", "?from=2d&to=1d", "?from=0d"] {
        export(&daemon, query).await;
    }
    let anonymous = daemon.with_key("wrong");
    assert_eq!(anonymous.get("/evidence/export").send().await.unwrap().status(), 401);
    let in_query = anonymous.get(&format!("/evidence/export?key={KEY}"));
    assert_eq!(in_query.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn the_chain_is_verified_on_the_spot_and_a_change_is_named() {
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    let home = Home::new()
        .with("LUKHAS_MCP_AUDIT_SIGNING_KEY", seed)
        .with("LUKHAS_MCP_AUDIT_CHECKPOINT_ROWS", "2");
    let mut daemon = home.start().await;
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let mut database = Database::open(&home.db());
    let began = Instant::now();
    while database.number("SELECT count(*) AS number FROM audit_checkpoints") < 2 {
        assert!(began.elapsed() < PATIENCE, "no checkpoint was made");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let verify = ["audit", "verify", "--public-key", public];
    let (is_sound, said) = run(home.command(&verify)).await;
    assert!(is_sound && said.contains("4 rows, unbroken"), "{said}");
    assert!(said.contains(&format!("signed by {public}")), "{said}");
    let other = ["audit", "verify", "--public-key", seed];
    assert!(!run(home.command(&other)).await.0);
    assert!(!daemon.log().join("").contains(seed));
    daemon.terminate().await;
    database.execute(
        "DROP TRIGGER audits_are_never_changed; UPDATE audits SET message = 'x' WHERE id = 3",
    );
    let (is_sound, said) = run(home.command(&verify)).await;
    assert!(!is_sound && said.contains("FAIL audit chain") && said.contains("row 3"), "{said}");
}

#[tokio::test]
async fn start_stop_and_refused_entries_are_recorded_without_a_key() {
    let (home, mut daemon) = keyed().await;
    let anonymous = reqwest::Client::new();
    for key in [None, Some("wrong-1"), Some("wrong-2")] {
        let mut request = anonymous.get(format!("{}/metrics", daemon.url));
        if let Some(key) = key {
            request = request.header("X-API-Key", key);
        }
        assert_eq!(request.send().await.unwrap().status(), 401);
    }
    daemon.terminate().await;
    let facts = "SELECT action || ' ' || payload_json AS text FROM audits ORDER BY id";
    let facts = Database::open(&home.db()).texts(facts);
    let requests = |reason: &str| -> u64 {
        let of = facts.iter().filter(|fact| fact.contains(reason));
        of.map(|fact| {
            let (_, payload) = fact.split_once(' ').unwrap();
            serde_json::from_str::<Value>(payload).unwrap()["requests"].as_u64().unwrap()
        })
        .sum()
    };
    assert!(facts[0].starts_with("daemon_start ") && facts[0].contains("settingsSha256"));
    assert!(facts.last().unwrap().starts_with("daemon_stop "), "{facts:?}");
    assert_eq!((requests("no key was presented"), requests("a wrong key")), (1, 2), "{facts:?}");
    let all = facts.join("\n");
    assert!(!all.contains("wrong-") && !all.contains(KEY), "{all}");
}

#[tokio::test]
async fn sweeping_jobs_leaves_their_facts() {
    let home = Home::new();
    let mut daemon = home.start().await;
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    daemon.terminate().await;
    let home = home.with("MCP_JOB_TTL_MS", "1");
    let daemon = home.start().await;
    let mut database = Database::open(&home.db());
    let began = Instant::now();
    while database.number("SELECT count(*) AS number FROM jobs") != 0 {
        assert!(began.elapsed() < PATIENCE, "the job was not swept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let why = daemon.call("why", json!({ "id": job })).await;
    assert_eq!(why["content"][0]["text"].as_str().unwrap().lines().count(), 3, "{why}");
    let (is_sound, said) = run(home.command(&["audit", "verify"])).await;
    assert!(is_sound, "{said}");
}

#[test]
fn keeping_facts_for_less_than_half_a_year_is_refused() {
    let home = Home::new().with("LUKHAS_MCP_AUDIT_RETENTION_DAYS", "182");
    let ended = home.command(&["serve", "--port", "0"]).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("audit.retention_days") && said.contains("from 183"), "{said}");
}

#[tokio::test]
async fn checkpoints_are_anchored_in_git_and_a_chain_written_anew_shows_there() {
    let elsewhere = tempfile::tempdir().unwrap();
    let repository = elsewhere.path().join("audit.git");
    let home = Home::new()
        .with("LUKHAS_MCP_AUDIT_ANCHOR_REPO", repository.to_str().unwrap())
        .with("LUKHAS_MCP_AUDIT_CHECKPOINT_ROWS", "1");
    let mut daemon = home.start().await;
    let anchored = |daemon: &Daemon| {
        daemon.log().iter().any(|line| line.contains("the audit chain was anchored"))
    };
    let began = Instant::now();
    while !daemon.log().iter().any(|line| line.contains("was not anchored yet")) {
        assert!(began.elapsed() < PATIENCE, "nobody said that there is no repository");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // It comes late, and is used as soon as it is there.
    git2::Repository::init_bare(&repository).unwrap();
    while !anchored(&daemon) {
        assert!(began.elapsed() < 2 * PATIENCE, "nothing was anchored: {:?}", daemon.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon.terminate().await;
    let (is_sound, said) = run(home.command(&["audit", "verify"])).await;
    assert!(is_sound && said.contains("ok   anchors: "), "{said}");
    // Without its checkpoints, a shorter chain would be as good as any; the branch knows better.
    Database::open(&home.db()).execute(
        "DROP TRIGGER audits_are_never_deleted; DROP TRIGGER audit_checkpoints_are_never_deleted; \
         DELETE FROM audits; DELETE FROM audit_checkpoints",
    );
    let (is_sound, said) = run(home.command(&["audit", "verify"])).await;
    assert!(!is_sound && said.contains("FAIL anchors"), "{said}");
}
