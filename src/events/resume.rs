//! Where in the order of all events a stream begins.

/// Where a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// With what happens from now on.
    Live,
    /// With the first event after this one; 0 means with everything that is kept.
    After(i64),
}

/// The text is no event id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the last event id must be an id that an event carried, or 0 for everything that is kept: \
     decimal digits only, at most {max}",
    max = i64::MAX
)]
pub struct InvalidEventId;

impl Resume {
    /// Reads `Last-Event-ID` or `lastEventId`. Empty means none, as it does to browsers.
    ///
    /// # Errors
    /// The text is something else than a decimal number that an id can be.
    pub fn parse(last_event_id: &str) -> Result<Self, InvalidEventId> {
        if last_event_id.is_empty() {
            return Ok(Self::Live);
        }
        // The standard parser would take a sign.
        if !last_event_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidEventId);
        }
        last_event_id.parse().map(Self::After).map_err(|_too_big| InvalidEventId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_decimal_digits_and_nothing_else() {
        assert_eq!(Resume::parse(""), Ok(Resume::Live));
        assert_eq!(Resume::parse("0"), Ok(Resume::After(0)));
        assert_eq!(Resume::parse("42"), Ok(Resume::After(42)));
        assert_eq!(Resume::parse("9223372036854775807"), Ok(Resume::After(i64::MAX)));
        let nines = "9".repeat(10_000);
        for text in
            ["-1", "+1", "abc", "1.5", "0x10", " 1", "1\r\n", "18446744073709551616", "٣", &nines]
        {
            assert_eq!(Resume::parse(text), Err(InvalidEventId), "{text:?}");
        }
    }
}
