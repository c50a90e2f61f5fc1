//! How long a wrong key takes to be refused must not tell how much of it is right.

use std::time::Instant;

use anyhow::{Result, ensure};
use serde::Serialize;

use crate::bench::{Bench, RequestLog};
use crate::http::{Connection, get};
use crate::plan::Plan;
use crate::report::{Bound, Goal, Section, Table};
use crate::stats::{microseconds, percentile, up_to_percentile, welch};

/// Beyond this |t| two sets of times are taken to differ.
const LIMIT: f64 = 4.5;

/// Slower answers are the machine's doing, and are left out of all kinds alike.
const KEPT_PERCENT: usize = 90;

/// A way to be wrong, and how long each such key took.
#[derive(Debug, Serialize)]
struct Guess {
    wrong_by: &'static str,
    #[serde(skip)]
    key: String,
    times: Vec<f64>,
}

/// Sends wrong keys in turn, so that whatever slows the machine slows all kinds alike.
pub fn measure(bench: &Bench, plan: &Plan) -> Result<Section> {
    let Some(server) = bench.start_daemon("keys", RequestLog::Off)? else {
        return Ok(Section::default());
    };
    eprintln!("wrong keys: {} of them", plan.wrong_keys);
    let mut guesses = guesses(&bench.access.key);
    let longest = guesses.iter().map(|guess| guess.key.len()).max().unwrap_or_default();
    let mut connection = Connection::open(server.port())?;
    for _ in 0..plan.wrong_keys / guesses.len() {
        for guess in &mut guesses {
            // All requests have one length, so that reading them takes the same time.
            let padding = "*".repeat(1 + longest - guess.key.len());
            let request = get("/metrics", Some(&guess.key), &padding);
            let began = Instant::now();
            let answer = connection.exchange(&request)?;
            guess.times.push(microseconds(began.elapsed()));
            ensure!(answer.status == 401, "a wrong key was answered with {}", answer.status);
        }
    }
    let usual: Vec<_> =
        guesses.iter().map(|guess| up_to_percentile(&guess.times, KEPT_PERCENT)).collect();
    let against_first: Vec<_> = usual.iter().map(|times| welch(times, &usual[0])).collect();
    let largest = against_first.iter().flatten().map(|t| t.abs()).max_by(f64::total_cmp);
    let goal = Goal::judge("wrong keys: largest |t|", Bound::AtMost(LIMIT), largest, None);
    Ok(Section {
        tables: vec![table(&guesses, &against_first)],
        goals: vec![goal],
        data: serde_json::json!({ "wrong_keys": guesses }),
    })
}

fn guesses(key: &str) -> Vec<Guess> {
    let guess = |wrong_by, key: String| Guess { wrong_by, key, times: Vec::new() };
    let (head, tail) = (&key[..key.len() - 1], &key[1..]);
    vec![
        guess("its first character", format!("!{tail}")),
        guess("its last character", format!("{head}!")),
        guess("every character", "!".repeat(key.len())),
        guess("one character less", head.to_owned()),
        guess("one character more", format!("{key}!")),
    ]
}

fn table(guesses: &[Guess], against_first: &[Option<f64>]) -> Table {
    let columns = ["wrong by", "tries", "p50 µs", "Welch's t against the first"];
    let mut table = Table::new("Time to refuse a wrong key", &columns);
    for (guess, t) in guesses.iter().zip(against_first) {
        let show = |figure: Option<f64>| figure.map_or_else(String::new, |it| format!("{it:.2}"));
        table.row([
            guess.wrong_by.to_owned(),
            guess.times.len().to_string(),
            show(percentile(&guess.times, 50)),
            show(*t),
        ]);
    }
    table
}
