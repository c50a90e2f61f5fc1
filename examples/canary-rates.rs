//! Prints how often the decision rule is wrong, beside the fixed-window rules of known systems, as
//! the tables of `docs/canary-policy.md`: `cargo run --example canary-rates [canaries per cell]`.

use std::process::ExitCode;
use std::thread;

use lukhas_mcp::canaries::policy::Policy;
use lukhas_mcp::canaries::rule::simulation::{Endings, Scenario, Traffic};

/// The share of failed requests that is allowed.
const ALLOWED: f64 = 0.02;

const POLL_SECONDS: f64 = 5.0;

/// Polls of the window of 300 s.
const POLLS: usize = 60;

/// The share of failed requests of what stood in the gate before, in multiples of what is allowed.
const BEFORE: f64 = 0.25;

type Polls = [(u64, u64)];

/// How a canary ends: whether it was promoted, or after how many seconds it was rolled back.
type Ending = Result<bool, f64>;

/// A rule of a known system: what it makes of the polls before the canary and of those of it.
type Judge = fn(&Polls, &Polls) -> Ending;

const OTHERS: [(&str, Judge); 7] = [
    ("rate[window] with what came before, 2 good ticks of 10 s promote", with_what_came_before),
    ("every 10 s rate[1m], 5 failures in all, 10 passes (Flagger-like)", ten_seconds_of_a_minute),
    ("5 × 60 s, no failure (Argo-like)", five_minutes),
    ("30 × 10 s, 3 failures in all (Argo-like)", thirty_times_ten_seconds),
    ("2 bad samples of 10 s in a row", two_in_a_row),
    ("one look at the end", one_look),
    ("sequential test of E against 2 E, 1 % / 1 %, no bursts", sequential),
];

fn rate(polls: &Polls) -> f64 {
    let (total, bad) =
        polls.iter().fold((0, 0), |(total, bad), poll| (total + poll.0, bad + poll.1));
    real(bad) / real(total.max(1))
}

fn real(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Seconds after the start at the end of so many polls.
fn at(polls: usize) -> f64 {
    POLL_SECONDS * real(u64::try_from(polls).unwrap_or(u64::MAX))
}

fn with_what_came_before(before: &Polls, canary: &Polls) -> Ending {
    for tick in 1..=POLLS / 2 {
        let seen = tick * 2;
        let window: Vec<_> = before[seen..].iter().chain(&canary[..seen]).copied().collect();
        if (2.0 * ALLOWED).max(0.05) < rate(&window) {
            return Err(at(seen));
        }
        if 2 <= tick && rate(&window) <= ALLOWED {
            return Ok(true);
        }
    }
    Ok(false)
}

fn ten_seconds_of_a_minute(_: &Polls, canary: &Polls) -> Ending {
    let (mut passed, mut failed) = (0, 0);
    for seen in (2..=POLLS).step_by(2) {
        let is_good = rate(&canary[seen.saturating_sub(12)..seen]) <= ALLOWED;
        *(if is_good { &mut passed } else { &mut failed }) += 1;
        if failed == 5 {
            return Err(at(seen));
        }
        if passed == 10 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Samples of so many polls each; more than so many bad ones roll back.
fn more_bad_than(allowed: usize, polls: usize, canary: &Polls) -> Ending {
    let mut failed = 0;
    for seen in (polls..=POLLS).step_by(polls) {
        failed += usize::from(ALLOWED < rate(&canary[seen - polls..seen]));
        if allowed < failed {
            return Err(at(seen));
        }
    }
    Ok(true)
}

fn five_minutes(_: &Polls, canary: &Polls) -> Ending {
    more_bad_than(0, 12, canary)
}

fn thirty_times_ten_seconds(_: &Polls, canary: &Polls) -> Ending {
    more_bad_than(3, 2, canary)
}

fn two_in_a_row(_: &Polls, canary: &Polls) -> Ending {
    let mut row = 0;
    for seen in (2..=POLLS).step_by(2) {
        row = if ALLOWED < rate(&canary[seen - 2..seen]) { row + 1 } else { 0 };
        if row == 2 {
            return Err(at(seen));
        }
    }
    Ok(true)
}

fn one_look(_: &Polls, canary: &Polls) -> Ending {
    if ALLOWED < rate(canary) { Err(at(POLLS)) } else { Ok(true) }
}

fn sequential(_: &Polls, canary: &Polls) -> Ending {
    let boundary = 99f64.ln();
    let mut evidence = 0.0;
    for (index, &(total, bad)) in canary.iter().enumerate() {
        let good = real(total - bad);
        evidence += real(bad) * 2f64.ln() + good * ((1.0 - 2.0 * ALLOWED) / (1.0 - ALLOWED)).ln();
        if boundary <= evidence {
            return Err(at(index + 1));
        }
        if evidence <= -boundary {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What comes of so many canaries at so many times what is allowed.
fn endings(judge: Option<Judge>, policy: &Policy, scenario: Scenario, runs: u64) -> Endings {
    let Some(judge) = judge else { return Endings::of(policy, scenario, 0..runs) };
    Endings::count((0..runs).map(|seed| {
        let before = Scenario { bad_share: BEFORE * ALLOWED, ..scenario };
        // A seed of its own, or the canary would repeat what came before.
        let before: Vec<_> = Traffic::new(before, POLL_SECONDS, !seed).take(POLLS).collect();
        let canary: Vec<_> = Traffic::new(scenario, POLL_SECONDS, seed).take(POLLS).collect();
        judge(&before, &canary)
    }))
}

/// Its head, at how many times what is allowed, and what is told of it.
type Column = (&'static str, f64, fn(&Endings) -> String);

const COLUMNS: [Column; 6] = [
    ("rolled back at 0.75 E", 0.75, |endings| percent(endings.rolled_back())),
    ("rolled back at E", 1.0, |endings| percent(endings.rolled_back())),
    ("promoted at 1.5 E", 1.5, |endings| percent(endings.promoted())),
    ("promoted at 2 E", 2.0, |endings| percent(endings.promoted())),
    ("rolled back at 2 E, median", 2.0, found),
    ("rolled back at 5 E, median", 5.0, found),
];

fn found(endings: &Endings) -> String {
    let median = endings.median_seconds().map_or("–".to_owned(), |median| format!("{median} s"));
    format!("{} {median}", percent(endings.rolled_back()))
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

fn table(policy: &Policy, requests_per_second: f64, runs: u64) -> String {
    let row = |(name, judge): &(&str, Option<Judge>)| {
        let cell = |(_, times, tell): &Column| {
            let told = [0.0, 1.0].map(|burstiness| {
                let bad_share = times * ALLOWED;
                let scenario = Scenario { requests_per_second, bad_share, burstiness };
                tell(&endings(*judge, policy, scenario, runs))
            });
            format!(" {} ({}) |", told[0], told[1])
        };
        format!("| {name} |{}\n", COLUMNS.each_ref().map(cell).concat())
    };
    let heads = COLUMNS.map(|(head, ..)| head).join(" | ");
    let mut rules = vec![("**this rule**", None)];
    rules.extend(OTHERS.map(|(name, judge)| (name, Some(judge))));
    let rows = rules.iter().map(row).collect::<Vec<_>>().concat();
    format!(
        "{requests_per_second} requests per second, {runs} canaries per cell\n\n| rule | {heads} |\n\
         |{}\n{rows}",
        "---|".repeat(COLUMNS.len() + 1)
    )
}

fn main() -> ExitCode {
    let runs = std::env::args().nth(1).map_or(Ok(20_000), |text| text.parse());
    let policy = r#"{"windowSeconds":300,"targets":{"max_error_rate":0.02}}"#;
    let (Ok(runs), Ok(policy)) = (runs, serde_json::from_str::<Policy>(policy)) else {
        eprintln!("usage: canary-rates [canaries per cell]");
        return ExitCode::FAILURE;
    };
    let tables = thread::scope(|scope| {
        let tables = [50.0, 5.0].map(|rate| {
            scope.spawn({
                let policy = &policy;
                move || table(policy, rate, runs)
            })
        });
        tables.map(thread::ScopedJoinHandle::join)
    });
    for table in tables {
        match table {
            Ok(table) => println!("{table}"),
            Err(_) => return ExitCode::FAILURE,
        }
    }
    ExitCode::SUCCESS
}
