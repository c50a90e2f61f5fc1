//! Packs as they are written, read and tampered with.

mod decisions;

use std::io::{Cursor, Read as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use serde_json::{Value, json};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::*;
use crate::audit::{CheckpointPolicy, EvidenceRange, ExportError, Exports, SigningKey};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::store::{Database, Store, StoreDeps, sha256_hex};
use crate::supervision::{RestartPolicy, Supervision};

const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";

struct Bench {
    store: Store,
    exports: Exports,
    _directory: TempDir,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::at(&directory.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let deps = StoreDeps {
            clock: Arc::new(SystemClock),
            publish: Arc::new(|_| ()),
            supervision: Supervision::new(RestartPolicy::default()),
            arbiter: Arbiter::new().handle(),
            on_end: Box::new(|_| ()),
        };
        let store = Store::start(database, deps);
        let key = SigningKey::from_seed(&SEED.to_owned().into()).map(Arc::new);
        let policy = CheckpointPolicy { rows: 4, span: Duration::from_hours(1), key };
        let exports = Exports::new(store.clone(), policy, directory.path().to_owned());
        Self { store, exports, _directory: directory }
    }

    async fn facts(&self, messages: &[&str]) {
        for message in messages {
            let text = (*message).to_owned();
            let add = self.store.write(move |tx| {
                tx.audit_daemon(&text, "fact", &json!({ "said": text }), text.clone())
            });
            add.await.unwrap();
        }
    }

    async fn export(&self, range: EvidenceRange) -> Vec<u8> {
        let mut pack = self.exports.export("key:ab", range).await.unwrap();
        let mut bytes = Vec::new();
        pack.content.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, pack.length);
        bytes
    }

    /// A pack with everything in it.
    async fn pack(&self) -> Vec<u8> {
        self.export(EvidenceRange { from: ago(1), to: None }).await
    }
}

fn ago(days: i64) -> Timestamp {
    SystemClock.now().plus(-time::Duration::days(days))
}

type Files = Vec<(String, String)>;

fn files(pack: &[u8]) -> Files {
    let mut zip = ZipArchive::new(Cursor::new(pack)).unwrap();
    (0..zip.len())
        .map(|n| {
            let mut file = zip.by_index(n).unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            (file.name().unwrap().to_string(), text)
        })
        .collect()
}

/// Packs files again; the hashes are written anew if somebody who knows how would do that.
fn packed(files: &Files, rehash: bool) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut hashes = String::new();
    for (name, text) in files {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        let text = if rehash && name == HASHES { &hashes } else { text };
        zip.write_all(text.as_bytes()).unwrap();
        hashes.extend([&*sha256_hex(text.as_bytes()), "  ", name, "\n"]);
    }
    zip.finish().unwrap().into_inner()
}

fn check(pack: &[u8]) -> Result<Sound, String> {
    verify(Cursor::new(pack), |_, _| ()).map_err(|fault| fault.to_string())
}

/// Changes a file in a way that keeps its form.
fn altered(files: &Files, name: &str, change: impl FnOnce(&str) -> String) -> Files {
    let mut files = files.clone();
    let file = files.iter_mut().find(|(known, _)| known == name).unwrap();
    let changed = change(&file.1);
    assert_ne!(changed, file.1, "nothing was changed in {name}");
    file.1 = changed;
    files
}

/// Changes the rows and writes all that follows from them anew, as a forger with this program would.
fn forged(files: &Files, change: impl FnOnce(&mut Vec<AuditRow>)) -> Files {
    let text = |name: &str| files.iter().find(|(known, _)| known == name).unwrap().1.clone();
    let mut rows: Vec<AuditRow> = serde_json::from_str(&text(ROWS)).unwrap();
    change(&mut rows);
    let mut files = files.clone();
    for (name, mut form) in forms::Form::all() {
        let mut written = form.head().to_owned();
        for row in &rows {
            form.row(row, &mut written);
        }
        written.push_str(form.tail());
        files.iter_mut().find(|(known, _)| known == name).unwrap().1 = written;
    }
    let mut meta: Meta = serde_json::from_str(&text(META)).unwrap();
    meta.rows = i64::try_from(rows.len()).unwrap();
    meta.first = rows.first().map(|row| row.id);
    meta.last = rows.last().map(|row| row.id);
    let mut proof: Proof = serde_json::from_str(&text(CHAIN)).unwrap();
    if let Some(last) = rows.last() {
        proof.last = ChainHead { id: last.id, hash: last.hash.clone() };
    }
    for (name, text) in [
        (META, serde_json::to_string_pretty(&meta).unwrap()),
        (CHAIN, serde_json::to_string_pretty(&proof).unwrap()),
    ] {
        files.iter_mut().find(|(known, _)| known == name).unwrap().1 = text;
    }
    files
}

#[actix::test]
async fn a_pack_is_sound_and_signed_and_holds_the_asking_itself() {
    let bench = Bench::new();
    bench.facts(&["a", "b", "c", "d", "e"]).await;
    let pack = bench.pack().await;
    let sound = check(&pack).unwrap();
    assert_eq!(sound.checkpoint.size, 6);
    assert!(sound.signer.is_some());
    let files = files(&pack);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [META, ROWS, TABLE, NARRATIVE, DECISIONS, CHAIN, HASHES]);
    let rows: Vec<Value> = serde_json::from_str(&files[1].1).unwrap();
    assert_eq!(rows.len(), 6);
    assert_eq!(
        (&rows[5]["action"], &rows[5]["actor"]),
        (&json!("evidence_export"), &json!("key:ab"))
    );
    // Packed again with the same content, it is the same pack.
    assert_eq!(check(&packed(&files, true)).unwrap(), sound);
}

#[actix::test]
async fn a_pack_of_an_earlier_time_is_tied_to_the_next_checkpoint() {
    let bench = Bench::new();
    bench.facts(&["a", "b"]).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let from = SystemClock.now();
    tokio::time::sleep(Duration::from_millis(5)).await;
    bench.facts(&["c"]).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let to = SystemClock.now();
    tokio::time::sleep(Duration::from_millis(5)).await;
    bench.facts(&["d", "e"]).await;
    let pack = bench.export(EvidenceRange { from, to: Some(to) }).await;
    assert_eq!(check(&pack).unwrap().checkpoint.size, 4);
    let whole = files(&pack);
    let rows: Vec<Value> = serde_json::from_str(&whole[1].1).unwrap();
    assert_eq!(rows.iter().map(|row| &row["id"]).collect::<Vec<_>>(), [3]);
    // Nobody can say that the time was longer than it was and had no more rows.
    for (end, time) in [("from", ago(2)), ("to", SystemClock.now())] {
        let files = altered(&whole, META, |text| {
            let mut meta: Value = serde_json::from_str(text).unwrap();
            meta["range"][end] = json!(time.to_string());
            meta.to_string()
        });
        let said = check(&packed(&files, true)).unwrap_err();
        assert!(said.contains("are missing"), "{end}: {said}");
    }
    let headless = altered(&whole, CHAIN, |text| {
        let mut proof: Value = serde_json::from_str(text).unwrap();
        proof["rowBefore"] = Value::Null;
        proof.to_string()
    });
    let said = check(&packed(&headless, true)).unwrap_err();
    assert!(said.contains("the row before the first is missing"), "{said}");
    // A time without rows has a pack as well.
    let empty = bench.export(EvidenceRange { from, to: Some(from) }).await;
    assert_eq!(check(&empty).unwrap().checkpoint.size, 4);
    assert_eq!(files(&empty)[1].1, "[\n]\n");
}

#[actix::test]
async fn a_changed_byte_is_found_in_every_file() {
    let bench = Bench::new();
    bench.facts(&["a", "b", "c", "d", "e"]).await;
    let whole = files(&bench.pack().await);
    for (n, (name, text)) in whole.iter().enumerate() {
        for at in [0, text.len() / 2, text.len() - 1] {
            let mut files = whole.clone();
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            files[n].1 = String::from_utf8(bytes).unwrap();
            check(&packed(&files, false)).expect_err(name);
            // Hashes written anew do not help: each file says what the others imply.
            if name != HASHES && !(name == META && at != 0) {
                check(&packed(&files, true)).expect_err(name);
            }
        }
        let mut files = whole.clone();
        files.remove(n);
        check(&packed(&files, true)).expect_err(name);
    }
    let mut files = whole.clone();
    files.insert(0, ("extra.txt".to_owned(), "x".to_owned()));
    check(&packed(&files, true)).expect_err("extra");
}

#[actix::test]
async fn every_byte_of_the_zip_that_holds_content_counts() {
    let bench = Bench::new();
    bench.facts(&["a"]).await;
    let pack = bench.pack().await;
    let sound = check(&pack).unwrap();
    let whole = files(&pack);
    for at in 0..pack.len() {
        let mut torn = pack.clone();
        torn[at] ^= 0x55;
        // What is left are bytes of the container that hold nothing, such as times of day.
        if let Ok(still) = check(&torn) {
            assert_eq!((still, files(&torn)), (sound.clone(), whole.clone()), "byte {at}");
        }
    }
    for cut in [1, pack.len() / 2, pack.len() - 1] {
        check(&pack[..cut]).unwrap_err();
    }
    check(&[&b"#!/bin/sh\n"[..], &pack].concat()).unwrap_err();
}

fn rehash(row: &mut AuditRow) {
    row.hash = row.expected_hash();
}

/// What a forger does to the rows, and what is said of it.
type Forgery = (&'static str, Box<dyn FnOnce(&mut Vec<AuditRow>)>, &'static str);

#[actix::test]
async fn rows_written_anew_removed_or_moved_are_found() {
    let bench = Bench::new();
    bench.facts(&["a", "b", "c", "d", "e"]).await;
    let whole = files(&bench.pack().await);
    let chain_again = |rows: &mut Vec<AuditRow>| {
        let mut prev = crate::store::GENESIS.to_owned();
        for (place, row) in (1..).zip(rows) {
            row.id = place;
            row.prev_hash = prev;
            rehash(row);
            prev = row.hash.clone();
        }
    };
    let cases: Vec<Forgery> = vec![
        ("changed", Box::new(|rows| rows[1].actor = "x".into()), "row 2: it is not as it was"),
        (
            "changed and hashed",
            Box::new(|rows| {
                rows[1].actor = "x".into();
                rehash(&mut rows[1]);
            }),
            "row 3: it does not follow",
        ),
        ("removed", Box::new(|rows| drop(rows.remove(2))), "row 4: a row before it is missing"),
        ("swapped", Box::new(|rows| rows.swap(1, 2)), "row 3: a row before it is missing"),
        (
            "doubled",
            Box::new(|rows| rows.insert(1, rows[0].clone())),
            "row 1: it is out of its order",
        ),
        ("cut short", Box::new(|rows| rows.truncate(3)), "missing"),
        (
            "written anew from the first",
            Box::new(move |rows| {
                rows[0].actor = "x".into();
                chain_again(rows);
            }),
            "row 4: it is not the row of which a checkpoint was made",
        ),
        (
            "removed and written anew",
            Box::new(move |rows| {
                rows.remove(0);
                chain_again(rows);
            }),
            "row 4: it is not the row of which a checkpoint was made",
        ),
    ];
    for (name, change, expected) in cases {
        let said = check(&packed(&forged(&whole, change), true)).unwrap_err();
        assert!(said.contains(expected), "{name}: {said}");
    }
    let unsigned =
        altered(&whole, CHAIN, |text| text.replacen("\"signature\": \"", "\"signature\": \"00", 1));
    let said = check(&packed(&unsigned, true)).unwrap_err();
    assert!(said.contains("signature of the checkpoint at row 4"), "{said}");
}

#[actix::test]
async fn hostile_words_are_text_in_every_form() {
    let bench = Bench::new();
    let hostile = [
        "=HYPERLINK(\"http://x\")",
        "a\nb\r\n2026-11-21 (UTC)",
        "\u{1b}[31m\u{202e}",
        "'x",
        "</script>",
    ];
    bench.facts(&hostile).await;
    let pack = bench.pack().await;
    check(&pack).unwrap();
    let files = files(&pack);
    let rows: Vec<AuditRow> = serde_json::from_str(&files[1].1).unwrap();
    assert_eq!(rows.iter().take(5).map(|row| row.message.as_str()).collect::<Vec<_>>(), hostile);
    assert!(files[2].1.contains("\"'=HYPERLINK(\"\"http://x\"\")\""), "{}", files[2].1);
    let narrative = &files[3].1;
    assert!(!narrative.contains(['\u{1b}', '\u{202e}', '\r']), "{narrative}");
    assert_eq!(narrative.lines().count(), 7, "{narrative}");
}

#[actix::test]
async fn a_key_has_one_export_at_a_time() {
    let bench = Bench::new();
    let range = EvidenceRange { from: ago(1), to: None };
    let first = bench.exports.export("key:ab", range).await.unwrap();
    let again = bench.exports.export("key:ab", range).await;
    assert!(matches!(again, Err(ExportError::Busy)));
    let other = bench.exports.export("key:cd", range).await.unwrap();
    drop((first, other));
    bench.exports.export("key:ab", range).await.unwrap();
}
