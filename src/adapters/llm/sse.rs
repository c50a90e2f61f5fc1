//! Which events are in the bytes of an event stream? Pure.
//!
//! As the HTML standard has it: lines end with LF, CR or CRLF, an empty one ends an event, a colon
//! begins a comment, and the space after a field's colon may be missing. Two things are stricter or
//! laxer: there are bounds, and an event at the very end need not be followed by an empty line.

/// The longest line, and the longest data of one event, in bytes.
pub(crate) const LONGEST_LINE: usize = 1024 * 1024;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Whether it says of itself that it is an error.
    pub is_error: bool,
    /// Its data, lines joined by LF; never blank.
    pub data: String,
}

/// Why bytes are no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// A line or the data of an event is longer than is read.
    TooLong,
    /// A line is no UTF-8.
    NotUtf8,
}

/// Makes events of bytes that come in pieces.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    line: Vec<u8>,
    /// The last byte was a CR, so that a LF belongs to it.
    after_cr: bool,
    is_begun: bool,
    is_error: bool,
    data: Option<String>,
}

impl Decoder {
    /// Takes a piece, and adds the events that it completes.
    pub fn push(&mut self, mut bytes: &[u8], events: &mut Vec<Event>) -> Result<(), Malformed> {
        while let Some(&first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else {
                return self.keep(bytes);
            };
            self.keep(&bytes[..end])?;
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            self.end_line(events)?;
        }
        Ok(())
    }

    /// Takes note that nothing more comes.
    pub fn end(&mut self, events: &mut Vec<Event>) -> Result<(), Malformed> {
        self.end_line(events)?;
        self.dispatch(events);
        Ok(())
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        if LONGEST_LINE < self.line.len() + bytes.len() {
            return Err(Malformed::TooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self, events: &mut Vec<Event>) -> Result<(), Malformed> {
        let bytes = std::mem::take(&mut self.line);
        let mut line = std::str::from_utf8(&bytes).map_err(|_| Malformed::NotUtf8)?;
        if !std::mem::replace(&mut self.is_begun, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch(events);
        } else {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            self.field(field, value.strip_prefix(' ').unwrap_or(value), events)?;
        }
        self.line = bytes;
        self.line.clear();
        Ok(())
    }

    fn field(
        &mut self,
        field: &str,
        value: &str,
        events: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        match field {
            "data" => match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) if LONGEST_LINE < data.len() + 1 + value.len() => {
                    return Err(Malformed::TooLong);
                }
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
            },
            "event" => self.is_error = value == "error",
            // No field of the standard, but what older llama.cpp servers put an error in.
            "error" if !value.trim().is_empty() => {
                events.push(Event { is_error: true, data: value.to_owned() });
            }
            _ => {}
        }
        Ok(())
    }

    fn dispatch(&mut self, events: &mut Vec<Event>) {
        let is_error = std::mem::take(&mut self.is_error);
        if let Some(data) = self.data.take().filter(|data| !data.trim().is_empty()) {
            events.push(Event { is_error, data });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Result<Vec<Event>, Malformed> {
        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        for piece in pieces {
            decoder.push(piece, &mut events)?;
        }
        decoder.end(&mut events)?;
        Ok(events)
    }

    fn data(text: &str) -> Vec<String> {
        decode(&[text.as_bytes()]).unwrap().into_iter().map(|event| event.data).collect()
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        assert_eq!(data("data: a\n\ndata:b\n\ndata:  c\n\n"), ["a", "b", " c"]);
        assert_eq!(data("data: a\r\n\r\ndata: b\r\rdata: c\n\n"), ["a", "b", "c"]);
        assert_eq!(data("data: a\ndata: b\n\n"), ["a\nb"]);
        assert_eq!(data("\u{feff}data: a\n\n"), ["a"]);
        assert_eq!(data(": a comment\n\nid: 4\nretry: 1\ndata: a\n\n"), ["a"]);
        assert_eq!(data("data\n\ndata:\n\ndata:  \n\n"), [""; 0]);
        assert_eq!(data("data: a"), ["a"]);
    }

    #[test]
    fn an_event_may_say_that_it_is_an_error() {
        let events =
            decode(&[b"event: error\ndata: a\n\nevent: x\ndata: b\n\nerror: c\n"]).unwrap();
        let errors: Vec<_> = events.iter().map(|event| event.is_error).collect();
        assert_eq!(errors, [true, false, true]);
    }

    #[test]
    fn there_are_bounds() {
        let piece = vec![b'x'; LONGEST_LINE];
        assert_eq!(decode(&[&piece]), Ok(Vec::new()));
        assert_eq!(decode(&[&piece, b"x"]), Err(Malformed::TooLong));
        let line = [b"data:".as_slice(), &piece[10..], b"\n"].concat();
        assert_eq!(decode(&[&line, &line]), Err(Malformed::TooLong));
        assert_eq!(decode(&[b"data: \xff\n\n"]), Err(Malformed::NotUtf8));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_pieces_end(
            text in "(data|event|: c)?:? ?[aü{}\u{feff}]{0,3}(\r|\n|\r\n){0,3}(data: [x:]{0,3}(\r|\n|\r\n){1,2}){0,4}",
            cuts in proptest::collection::vec(0usize..60, 0..6),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(decode(&pieces), decode(&[bytes]));
        }
    }
}
