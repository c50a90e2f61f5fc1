//! What git calls a file's content, without holding all of it.

use std::io::{self, Read};
use std::time::Instant;

use git2::Oid;
use sha1::{Digest as _, Sha1};

/// How much is read at once, in bytes.
const PIECE: usize = 64 * 1024;

/// The name of a blob of `size` bytes; none if the time is over before they are read. Of a content
/// that is shorter it is a name that no blob has.
pub(super) fn name(size: u64, content: impl Read, until: Instant) -> io::Result<Option<Oid>> {
    let mut digest = Sha1::new();
    digest.update(format!("blob {size}\0"));
    let mut content = content.take(size);
    let mut piece = vec![0; PIECE];
    loop {
        match content.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => digest.update(piece.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if until <= Instant::now() {
            return Ok(None);
        }
    }
    Oid::from_bytes(&digest.finalize()).map(Some).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use git2::ObjectType;

    use super::*;

    #[test]
    fn a_content_is_called_what_git_calls_it() {
        let later = Instant::now() + Duration::from_mins(1);
        for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let content: Vec<u8> = (0..=250).cycle().take(size).collect();
            let expected = Oid::hash_object(ObjectType::Blob, &content).unwrap();
            let named = name(size as u64, &content[..], later).unwrap();
            assert_eq!(named, Some(expected), "{size}");
        }
        assert_eq!(name(3, &b"abc"[..], Instant::now()).unwrap(), None);
    }
}
