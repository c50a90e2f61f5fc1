//! What the conformance suite of the protocol calls, served by the same stack as everything else.
//!
//! Only builds with the feature `conformance` have any of it, which no release is.

mod asking;
mod content;
mod fixture;
mod long;
mod prompts;
mod resources;
mod telling;

pub(crate) use self::long::LongWork;
pub(crate) use self::prompts::prompts;
pub(crate) use self::resources::resources;
use crate::tools::AnyTool;

/// The tools of the suite.
pub(crate) fn tools() -> Vec<Box<dyn AnyTool>> {
    [content::tools(), telling::tools(), asking::tools(), long::tools()]
        .into_iter()
        .flatten()
        .collect()
}
