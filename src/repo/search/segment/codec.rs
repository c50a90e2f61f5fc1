//! Numbers and bytes, as they stand in a file of the index.

use std::io::{self, Read};

/// The bytes end before what is read from them, or are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file is not as it was written")]
pub(in crate::repo::search) struct Bounds;

/// How many numbers are written at once.
const AT_ONCE: usize = 4096;

/// Takes bytes to where they are written.
pub(super) type Put<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

pub(super) fn put_u32s(put: Put<'_>, numbers: &[u32]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(4 * AT_ONCE.min(numbers.len()));
    for some in numbers.chunks(AT_ONCE) {
        bytes.clear();
        bytes.extend(some.iter().flat_map(|number| number.to_le_bytes()));
        put(&bytes)?;
    }
    Ok(())
}

pub(super) fn put_u64s(put: Put<'_>, numbers: &[u64]) -> io::Result<()> {
    for some in numbers.chunks(AT_ONCE) {
        let bytes: Vec<u8> = some.iter().flat_map(|number| number.to_le_bytes()).collect();
        put(&bytes)?;
    }
    Ok(())
}

/// Reads what was written, and no more than there is.
pub(super) struct Reader<R> {
    from: R,
    left: u64,
}

impl<R: Read> Reader<R> {
    pub(super) fn new(from: R, length: u64) -> Self {
        Self { from, left: length }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Bounds> {
        self.left = self.left.checked_sub(count as u64).ok_or(Bounds)?;
        let mut bytes = vec![0; count];
        self.from.read_exact(&mut bytes).map_err(|_unreadable| Bounds)?;
        Ok(bytes)
    }

    /// A count that is followed by at least as many bytes.
    pub(super) fn length(&mut self) -> Result<usize, Bounds> {
        let number = self.u32s(1)?.first().copied().ok_or(Bounds)?;
        let count = usize::try_from(number).map_err(|_too_large| Bounds)?;
        if count as u64 <= self.left { Ok(count) } else { Err(Bounds) }
    }

    pub(super) fn u32s(&mut self, count: usize) -> Result<Vec<u32>, Bounds> {
        self.numbers(count, u32::from_le_bytes)
    }

    pub(super) fn u64s(&mut self, count: usize) -> Result<Vec<u64>, Bounds> {
        self.numbers(count, u64::from_le_bytes)
    }

    fn numbers<T, const N: usize>(
        &mut self,
        count: usize,
        read: impl Fn([u8; N]) -> T,
    ) -> Result<Vec<T>, Bounds> {
        let bytes = (count as u64).checked_mul(N as u64).ok_or(Bounds)?;
        self.left = self.left.checked_sub(bytes).ok_or(Bounds)?;
        let mut numbers = Vec::with_capacity(count);
        for _ in 0..count {
            let mut bytes = [0; N];
            self.from.read_exact(&mut bytes).map_err(|_unreadable| Bounds)?;
            numbers.push(read(bytes));
        }
        Ok(numbers)
    }
}
