//! How does a text stand in a table for spreadsheets, whatever somebody wrote into it? Pure.

/// Adds a cell that a spreadsheet takes for text, whatever it holds.
///
/// A cell that begins like a formula gets an apostrophe in front, which spreadsheets read as "this
/// is text". One that begins with an apostrophe gets another, so that taking one away gives back
/// what was there.
pub fn push_cell(cell: &str, text: &mut String) {
    let begins_badly = cell.starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '\'', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ]);
    text.push('"');
    if begins_badly {
        text.push('\'');
    }
    text.push_str(&cell.replace('"', "\"\""));
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_none_loses_anything() {
        for (cell, expected) in [
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("=1+1", "\"'=1+1\""),
            ("+49", "\"'+49\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\tx", "\"'\tx\""),
            ("\r=x", "\"'\r=x\""),
            ("\u{ff1d}x", "\"'\u{ff1d}x\""),
            ("'=x", "\"''=x\""),
            ("a,\"b\"\nc", "\"a,\"\"b\"\"\nc\""),
        ] {
            let mut text = String::new();
            push_cell(cell, &mut text);
            assert_eq!(text, expected);
        }
    }
}
