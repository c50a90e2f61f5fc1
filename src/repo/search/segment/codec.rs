//! Numbers and bytes, as they stand in a file of the index.

/// The bytes end before what is read from them, or are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file is not as it was written")]
pub(in crate::repo::search) struct Bounds;

pub(super) fn put_u32s(into: &mut Vec<u8>, numbers: &[u32]) {
    into.reserve(numbers.len() * 4);
    for number in numbers {
        into.extend_from_slice(&number.to_le_bytes());
    }
}

pub(super) fn put_u64s(into: &mut Vec<u8>, numbers: &[u64]) {
    into.reserve(numbers.len() * 8);
    for number in numbers {
        into.extend_from_slice(&number.to_le_bytes());
    }
}

/// Reads from the front.
pub(in crate::repo::search) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, count: usize) -> Result<&'a [u8], Bounds> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Bounds)?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A count that is followed by at least as many bytes.
    pub(super) fn length(&mut self) -> Result<usize, Bounds> {
        let number = self.u32s(1)?.first().copied().ok_or(Bounds)?;
        usize::try_from(number).ok().filter(|count| *count <= self.0.len()).ok_or(Bounds)
    }

    pub(super) fn u32s(&mut self, count: usize) -> Result<Vec<u32>, Bounds> {
        let bytes = self.bytes(count.checked_mul(4).ok_or(Bounds)?)?;
        let number = |four: &[u8]| four.try_into().map(u32::from_le_bytes);
        bytes.chunks_exact(4).map(number).collect::<Result<_, _>>().map_err(|_short| Bounds)
    }

    pub(super) fn u64s(&mut self, count: usize) -> Result<Vec<u64>, Bounds> {
        let bytes = self.bytes(count.checked_mul(8).ok_or(Bounds)?)?;
        let number = |eight: &[u8]| eight.try_into().map(u64::from_le_bytes);
        bytes.chunks_exact(8).map(number).collect::<Result<_, _>>().map_err(|_short| Bounds)
    }
}
