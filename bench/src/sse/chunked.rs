//! Takes the chunked transfer coding off a stream, in pieces of any size.

use anyhow::{Result, bail};

/// A chunk of an event stream is far shorter.
const LONGEST_CHUNK: usize = 16 * 1024 * 1024;

/// Where in the coding the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decoder {
    /// In the line with the size; the value so far.
    Size(usize),
    /// In the rest of that line, up to the line feed.
    SizeEnd(usize),
    /// So many bytes of the chunk are to come.
    Data(usize),
    /// In the line break after a chunk.
    DataEnd,
    /// Behind the last chunk.
    Finished,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::Size(0)
    }
}

impl Decoder {
    /// Hands each piece of the body in `input` to `sink`.
    pub fn feed(
        &mut self,
        mut input: &[u8],
        mut sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        while let Some((&first, rest)) = input.split_first() {
            match *self {
                Self::Data(left) => {
                    let (piece, rest) = input.split_at(left.min(input.len()));
                    sink(piece)?;
                    let left = left - piece.len();
                    *self = if left == 0 { Self::DataEnd } else { Self::Data(left) };
                    input = rest;
                    continue;
                }
                Self::Size(size) => *self = size_step(size, first)?,
                Self::SizeEnd(size) => {
                    if first == b'\n' {
                        *self = if size == 0 { Self::Finished } else { Self::Data(size) };
                    }
                }
                Self::DataEnd => match first {
                    b'\r' => {}
                    b'\n' => *self = Self::default(),
                    other => bail!("byte {other} follows a chunk"),
                },
                Self::Finished => return Ok(()),
            }
            input = rest;
        }
        Ok(())
    }
}

fn size_step(size: usize, byte: u8) -> Result<Decoder> {
    let digit = match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        b'\r' | b';' | b' ' => return Ok(Decoder::SizeEnd(size)),
        other => bail!("byte {other} in the size of a chunk"),
    };
    let size = size * 16 + usize::from(digit);
    if size > LONGEST_CHUNK {
        bail!("a chunk of at least {size} bytes");
    }
    Ok(Decoder::Size(size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_body_is_the_same_wherever_the_stream_is_cut() {
        let coded = b"5\r\nhello\r\n1;x=y\r\n \r\nB\r\nworld\nwide\n\r\n0\r\n\r\n";
        for width in 1..=coded.len() {
            let mut decoder = Decoder::default();
            let mut body = Vec::new();
            for piece in coded.chunks(width) {
                decoder
                    .feed(piece, |bytes| {
                        body.extend_from_slice(bytes);
                        Ok(())
                    })
                    .unwrap();
            }
            assert_eq!(body, b"hello world\nwide\n", "width {width}");
            assert_eq!(decoder, Decoder::Finished);
        }
    }

    #[test]
    fn a_size_that_is_no_number_is_refused() {
        assert!(Decoder::default().feed(b"xyz\r\n", |_| Ok(())).is_err());
        assert!(Decoder::default().feed(b"fffffffff\r\n", |_| Ok(())).is_err());
    }
}
