//! How do lines come in and go out, without anybody waiting for a terminal or a full pipe?

use std::io::{self, BufRead, Read as _, Write as _};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

/// The longest line, in bytes: what the daemon takes as a body.
const LONGEST: usize = 4 * 1024 * 1024;

/// How many lines wait on their way in, and on their way out.
const IN: usize = 16;
const OUT: usize = 64;

/// One line of the client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    Line(Bytes),
    /// Longer than may be.
    TooLong,
}

/// Reads standard input line by line, on a thread of its own.
pub(super) fn lines() -> io::Result<mpsc::Receiver<Input>> {
    let (sender, receiver) = mpsc::channel(IN);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        // What cannot be read any more is at its end.
        while let Ok(Some(line)) = next(&mut input, LONGEST) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// The next line, without its end.
fn next(input: &mut impl BufRead, longest: usize) -> io::Result<Option<Input>> {
    let mut line = Vec::new();
    input.by_ref().take(longest as u64 + 1).read_until(b'\n', &mut line)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
    } else if longest < line.len() {
        skip(input)?;
        return Ok(Some(Input::TooLong));
    }
    Ok(Some(Input::Line(line.into())))
}

/// Passes over the rest of a line.
fn skip(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let read = input.fill_buf()?;
        let (length, is_over) = match read.iter().position(|byte| *byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (read.len(), read.is_empty()),
        };
        input.consume(length);
        if is_over {
            return Ok(());
        }
    }
}

/// Writes lines to standard output, on a thread of its own, until nobody sends or nobody reads any
/// more. The other half is told when all is written.
pub(super) fn writer() -> io::Result<(mpsc::Sender<Bytes>, oneshot::Receiver<()>)> {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(OUT);
    let (done, written) = oneshot::channel();
    std::thread::Builder::new().name("stdout".to_owned()).spawn(move || {
        let mut out = io::stdout().lock();
        while let Some(message) = receiver.blocking_recv() {
            let mut line = message.to_vec();
            line.push(b'\n');
            if out.write_all(&line).and_then(|()| out.flush()).is_err() {
                break;
            }
        }
        drop(receiver);
        // Whoever waited may be gone.
        let _ = done.send(());
    })?;
    Ok((sender, written))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_and_bounded() {
        let text = b"{}\n\n12345\n123456\n1234567890\nlast";
        for capacity in [1, 3, 64] {
            let mut input = io::BufReader::with_capacity(capacity, &text[..]);
            let mut read = Vec::new();
            while let Some(line) = next(&mut input, 5).unwrap() {
                read.push(line);
            }
            let line = |text: &'static str| Input::Line(Bytes::from_static(text.as_bytes()));
            let long = || Input::TooLong;
            assert_eq!(read, [line("{}"), line(""), line("12345"), long(), long(), line("last")]);
        }
    }
}
