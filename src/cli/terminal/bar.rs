//! How full is it? A bar of so many columns.

/// A bar that is full to this share; what is no share of a whole is taken for the nearest that is.
pub(in crate::cli) fn bar(share: f64, columns: u16) -> String {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    let exact = share * f64::from(columns);
    // Full means over, so nothing but the whole fills the last column.
    let full = (0..columns).filter(|column| f64::from(*column) + 1.0 <= exact).count();
    let empty = usize::from(columns) - full;
    format!("{}{}", "█".repeat(full), "░".repeat(empty))
}

/// A share in whole percent, rounded down for the same reason.
pub(in crate::cli) fn percent(share: f64) -> String {
    let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
    format!("{:.0} %", (share * 100.0 + 1e-9).floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_is_full() {
        assert_eq!(bar(0.0, 4), "░░░░");
        assert_eq!(bar(0.5, 4), "██░░");
        assert_eq!(bar(0.999, 4), "███░");
        assert_eq!(bar(1.0, 4), "████");
        assert_eq!(bar(7.0, 2), "██");
        assert_eq!(bar(-1.0, 2), "░░");
        assert_eq!(bar(f64::NAN, 2), "░░");
        assert_eq!(percent(0.999), "99 %");
        assert_eq!(percent(0.57), "57 %");
        assert_eq!(percent(1.0), "100 %");
    }
}
