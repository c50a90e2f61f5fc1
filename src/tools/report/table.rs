//! A report for spreadsheets, as RFC 4180 has it: a row a look at a canary, or a row a fact.

use std::fmt::Write as _;

use crate::audit::push_cell;
use crate::canaries::{Grown, Point};
use crate::store::audits::AuditRow;
use crate::tools::report::Known;
use crate::tools::subject::Subject;

const LOOKS: &str = "poll,at,elapsed_seconds,latency_p95_ms,error_rate,data_quality,\
    error_rate_breach,error_rate_proof,latency_p95_breach,latency_p95_proof\r\n";

const FACTS: &str = "row,ts,actor,action,message,details,prev_hash,hash\r\n";

pub(super) fn of(known: &Known) -> String {
    let mut text = String::new();
    match known.subject {
        Subject::Canary(_) => {
            text.push_str(LOOKS);
            known.looks.iter().for_each(|look| add_look(look, &mut text));
        }
        Subject::Job(_) | Subject::Model(_) => {
            text.push_str(FACTS);
            known.facts.iter().for_each(|fact| add_fact(fact, &mut text));
        }
    }
    text
}

/// Adds one look; a number that there is not leaves its cell empty.
fn add_look(look: &Point, text: &mut String) {
    let number = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
    let grown = |metric: &str, which: fn(&Grown) -> Option<f64>| {
        number(look.evidence.get(metric).and_then(which))
    };
    let Point { poll, elapsed_seconds, at, data_quality, .. } = look;
    // Writing to a string cannot fail. A negative number is one, and no formula.
    let _ = write!(
        text,
        "{poll},{at},{elapsed_seconds},{},{},{data_quality},{},{},{},{}\r\n",
        number(look.latency_p95_ms),
        number(look.error_rate),
        grown("error_rate", |grown| grown.breach),
        grown("error_rate", |grown| grown.proof),
        grown("latency_p95", |grown| grown.breach),
        grown("latency_p95", |grown| grown.proof),
    );
}

fn add_fact(fact: &AuditRow, text: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(text, "{}", fact.id);
    let AuditRow { ts, actor, action, message, payload_json, prev_hash, hash, .. } = fact;
    for cell in [ts, actor, action, message, payload_json, prev_hash, hash] {
        text.push(',');
        push_cell(cell, text);
    }
    text.push_str("\r\n");
}
