//! Numbers of a policy on the wire: a whole one is written without `.0`, as it was given.

use serde::Serializer;

/// The largest number up to which every whole `f64` is itself and no other.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Writes a number as JSON has it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands fields on by reference")]
#[expect(clippy::cast_possible_truncation, reason = "it is whole and within what is exact")]
pub(super) fn write<S: Serializer>(number: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.fract() == 0.0 && number.abs() < EXACT {
        serializer.serialize_i64(*number as i64)
    } else {
        serializer.serialize_f64(*number)
    }
}

/// The same for a number that may be missing; serde skips it then.
#[expect(clippy::ref_option, reason = "serde hands fields on by reference")]
pub(super) fn write_some<S: Serializer>(
    number: &Option<f64>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => write(number, serializer),
        None => serializer.serialize_none(),
    }
}
