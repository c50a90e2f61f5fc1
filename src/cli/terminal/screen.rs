//! Which terminal is there? Whether there is one at all, its size, and whether colours are wanted.

use std::env::var_os;
use std::io::{IsTerminal, stderr, stdout};
use std::os::fd::AsFd;

use rustix::termios::tcgetwinsize;

use crate::cli::terminal::style::Style;

/// What a terminal without a size is taken for.
const USUAL: Size = Size { columns: 80, rows: 24 };

/// The size of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Size {
    pub(in crate::cli) columns: usize,
    pub(in crate::cli) rows: usize,
}

/// The size of the terminal behind standard output or standard error.
pub(in crate::cli) fn size() -> Size {
    size_of(&stdout()).or_else(|| size_of(&stderr())).unwrap_or(USUAL)
}

fn size_of(stream: &impl AsFd) -> Option<Size> {
    let size = tcgetwinsize(stream).ok()?;
    let (columns, rows) = (usize::from(size.ws_col), usize::from(size.ws_row));
    (0 < columns && 0 < rows).then_some(Size { columns, rows })
}

/// Whether the terminal understands more than text, and colours are not unwanted.
fn wants_colours() -> bool {
    is_capable() && var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether the terminal understands more than text.
fn is_capable() -> bool {
    var_os("TERM").is_some_and(|name| !name.is_empty() && name != "dumb")
}

/// How standard output is written.
pub(in crate::cli) fn style_of_output() -> Style {
    style_of(&stdout())
}

/// How standard error is written.
pub(in crate::cli) fn style_of_words() -> Style {
    style_of(&stderr())
}

fn style_of(stream: &(impl AsFd + IsTerminal)) -> Style {
    if !stream.is_terminal() {
        return Style::PLAIN;
    }
    let columns = size_of(stream).unwrap_or(USUAL).columns;
    Style { colours: wants_colours(), columns: Some(columns) }
}

/// Whether standard output is a terminal that a live view can be drawn on.
pub(in crate::cli) fn can_draw_output() -> bool {
    stdout().is_terminal() && is_capable()
}

/// Whether a line of standard error can be rewritten.
pub(in crate::cli) fn can_draw_words() -> bool {
    stderr().is_terminal() && is_capable()
}
