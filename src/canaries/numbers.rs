//! Numbers as sentences have them: the same number always reads the same.

use std::time::Duration;

/// A time of a window in seconds, of which milliseconds are kept: in every answer and event by the
/// same division, so that they have the same digits.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of at most some weeks")]
pub fn in_seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

/// A share: `2 %`, `0.08 %`, with three significant digits.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0))
}

/// A time in milliseconds: `250 ms`.
pub(super) fn milliseconds(time: f64) -> String {
    format!("{} ms", significant(time))
}

/// A time in seconds: `57 s`, and with a decimal below ten.
pub(super) fn seconds(time: f64) -> String {
    if time < 10.0 && time.fract() != 0.0 { format!("{time:.1} s") } else { format!("{time:.0} s") }
}

/// A count with its thousands apart: `15,000`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if 0 < place && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Three significant digits, without zeros at the end.
fn significant(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return "0".to_owned();
    }
    let decimals = (0..12).find(|&decimals| 100.0 <= number.abs() * 10_f64.powi(decimals));
    let decimals = usize::try_from(decimals.unwrap_or(12)).unwrap_or(0);
    let text = format!("{number:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(percent(0.02), "2 %");
        assert_eq!(percent(0.041_403), "4.14 %");
        assert_eq!(percent(0.0), "0 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(milliseconds(250.0), "250 ms");
        assert_eq!(milliseconds(0.51), "0.51 ms");
        assert_eq!(seconds(57.2), "57 s");
        assert_eq!(seconds(1.67), "1.7 s");
        assert_eq!(count(15_000), "15,000");
        assert_eq!(count(118), "118");
        assert_eq!(count(1_234_567), "1,234,567");
    }
    #[test]
    fn a_time_of_a_window_has_no_digits_that_a_clock_of_milliseconds_has_not() {
        for milliseconds in 0..20_000 {
            let shown = in_seconds(Duration::from_millis(milliseconds)).to_string();
            let decimals = shown.split_once('.').map_or(0, |(_, decimals)| decimals.len());
            assert!(decimals <= 3, "{milliseconds} ms are {shown} s");
        }
    }
}
