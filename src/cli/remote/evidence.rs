//! How far the evidence of a canary has come towards a decision: a bet against each target and a bet
//! for it, and the odds at which each is won.

use serde_json::Value;

use crate::cli::terminal::bar::bar;
use crate::cli::terminal::style::{Line, Tone};

/// The columns of a bar.
const BAR: u16 = 12;

/// A bet: its odds now and the odds that decide, as natural logarithms.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Bet {
    now: f64,
    needed: f64,
}

/// What is known about one target.
#[derive(Debug, Clone, PartialEq)]
struct Metric {
    name: String,
    broken: Option<Bet>,
    met: Option<Bet>,
    requests_needed: Option<u64>,
}

/// The evidence of a canary, target by target.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Evidence(Vec<Metric>);

impl Evidence {
    /// Reads it as events tell it, or as `canary_status` does; a daemon that tells none has none.
    pub(super) fn read(value: &Value) -> Self {
        if let Some(metrics) = value["metrics"].as_array() {
            let told = metrics.iter().filter(|metric| metric["counts"].is_object());
            return Self(told.map(Metric::of_status).collect());
        }
        let metrics = value.as_object().into_iter().flatten();
        let metrics = metrics.filter(|(_, metric)| metric["breachAt"].is_number());
        Self(metrics.map(|(name, metric)| Metric::of_event(name, metric)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The line of a target, after what was observed of it; none if nothing is told.
    pub(super) fn line(&self, metric: &str) -> Option<Line> {
        self.0.iter().find(|one| one.name == metric).map(Metric::line)
    }
}

impl Metric {
    fn of_event(name: &str, told: &Value) -> Self {
        Self {
            name: name.to_owned(),
            broken: Bet::of(&told["breach"], &told["breachAt"]),
            met: Bet::of(&told["proof"], &told["proofAt"]),
            requests_needed: told["requestsNeeded"].as_u64(),
        }
    }

    fn of_status(told: &Value) -> Self {
        let (counts, proof) = (&told["counts"], &told["counts"]["conformance"]);
        Self {
            name: told["metric"].as_str().unwrap_or_default().to_owned(),
            broken: Bet::of(&counts["logE"], &counts["breachAt"]),
            met: Bet::of(&proof["logE"], &proof["proofAt"]),
            requests_needed: proof["requestsNeeded"].as_u64(),
        }
    }

    fn line(&self) -> Line {
        let mut line = Line::new();
        for (name, bet, tone) in [("broken", self.broken, Tone::Bad), ("met", self.met, Tone::Good)]
        {
            let Some(bet) = bet else { continue };
            let odds = format!(" {} of {}", odds(bet.now), odds(bet.needed));
            line = line.plain(&format!("{name} ")).add(tone, &bar(bet.share(), BAR));
            line = line.column(Tone::Plain, &odds, 20);
        }
        match self.requests_needed {
            Some(1..) if self.met.is_some_and(|bet| bet.now < bet.needed) => {
                let needed = self.requests_needed.unwrap_or_default();
                line.add(Tone::Quiet, &format!("{needed} more requests needed"))
            }
            _ => line,
        }
    }
}

impl Bet {
    fn of(now: &Value, needed: &Value) -> Option<Self> {
        Some(Self { now: now.as_f64()?, needed: needed.as_f64()? })
    }

    /// How far it has come; a bet that is behind has not begun.
    fn share(self) -> f64 {
        if self.needed <= 0.0 { 1.0 } else { self.now / self.needed }
    }
}

/// Odds from their logarithm: `0:1`, `12:1`, `5e6:1`.
fn odds(logarithm: f64) -> String {
    let odds = logarithm.exp();
    if odds < 1.0 {
        "0:1".to_owned()
    } else if odds < 99_999.5 {
        format!("{odds:.0}:1")
    } else if odds.is_finite() {
        format!("{odds:.0e}:1")
    } else {
        "∞:1".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::style::Style;
    use serde_json::json;

    #[test]
    fn both_forms_are_the_same_evidence() {
        let event = json!({ "error_rate": {
            "breach": 2.649, "breachAt": 5.298, "proof": -2.5, "proofAt": 2.996, "requests": 288,
            "bad": 25, "requestsNeeded": 31, "target": 0.02, "estimate": 0.0868,
        } });
        let status = json!({ "metrics": [
            { "metric": "error_rate", "target": 0.02, "counts": {
                "logE": 2.649, "breachAt": 5.298,
                "conformance": { "logE": -2.5, "proofAt": 2.996, "requestsNeeded": 31 },
            } },
            { "metric": "latency_p95", "counts": null, "scalars": {} },
        ] });
        let evidence = Evidence::read(&event);
        assert_eq!(evidence, Evidence::read(&status));
        let line = evidence.line("error_rate").unwrap().render(Style::PLAIN);
        let expected = "broken ██████░░░░░░ 14:1 of 200:1      met ░░░░░░░░░░░░ 0:1 of 20:1        \
                        31 more requests needed";
        assert_eq!(line, expected);
        assert_eq!(evidence.line("latency_p95"), None);
        assert!(Evidence::read(&Value::Null).is_empty());
    }

    #[test]
    fn odds_are_short() {
        for (logarithm, said) in [(-3.0, "0:1"), (5.298, "200:1"), (20.0, "5e8:1"), (800.0, "∞:1")]
        {
            assert_eq!(odds(logarithm), said);
        }
    }
}
