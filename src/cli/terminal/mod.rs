//! What a person sees: text that is safe to show, marks, tables and bars. All of it is pure but
//! `screen`, which knows the terminal that there is.

pub(super) mod bar;
pub(super) mod mark;
pub(super) mod screen;
pub(super) mod style;
pub(super) mod table;
pub(super) mod text;
pub(super) mod time;
