//! In which files a word stands, and how: a list of numbers of files, each with a byte about it.

/// How a word stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Occurrence(u8);

/// In the lowest three bits: how often, as a step of [`STEPS`].
const OFTEN: u8 = 0b111;

/// From how many occurrences on each step is reached, and what it counts as.
const STEPS: [(u32, f32); 8] =
    [(0, 0.0), (1, 1.0), (2, 2.0), (3, 3.5), (5, 7.0), (10, 14.0), (20, 30.0), (50, 80.0)];

impl Occurrence {
    /// It stands by itself, and not only as a part of an identifier.
    pub(super) const WHOLE: Self = Self(1 << 3);
    /// It is defined there.
    pub(super) const DEFINED: Self = Self(1 << 4);
    /// It stands in a heading.
    pub(super) const HEADING: Self = Self(1 << 5);
    /// It stands in the name of a directory above the file.
    pub(super) const IN_PATH: Self = Self(1 << 6);
    /// It stands in the name of the file.
    pub(super) const IN_NAME: Self = Self(1 << 7);

    /// The same with other marks added.
    #[must_use]
    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The same, with how often the word stands in the contents.
    #[must_use]
    pub(super) fn times(self, count: u32) -> Self {
        let step = STEPS.iter().rposition(|(from, _)| *from <= count).unwrap_or(0);
        Self(self.0 & !OFTEN | u8::try_from(step).unwrap_or(OFTEN))
    }

    /// Whether all of these marks are there.
    pub(super) fn is(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// About how often the word stands in the contents.
    pub(super) fn frequency(self) -> f32 {
        STEPS[usize::from(self.0 & OFTEN)].1
    }

    /// As one byte.
    pub(super) fn to_byte(self) -> u8 {
        self.0
    }

    /// From such a byte; every one means something.
    pub(super) fn from_byte(byte: u8) -> Self {
        Self(byte)
    }
}

/// A file that a word stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Posting {
    /// The number of the file in its segment.
    pub(super) doc: u32,
    /// How the word stands there.
    pub(super) occurrence: Occurrence,
}

/// Writes a list; the numbers must rise.
pub(super) fn encode(postings: impl Iterator<Item = Posting>, into: &mut Vec<u8>) {
    let mut next = 0;
    for Posting { doc, occurrence } in postings {
        let mut gap = doc.wrapping_sub(next);
        while 0x80 <= gap {
            into.push(0x80 | u8::try_from(gap & 0x7f).unwrap_or(0));
            gap >>= 7;
        }
        into.push(u8::try_from(gap).unwrap_or(0));
        into.push(occurrence.to_byte());
        next = doc.wrapping_add(1);
    }
}

/// Reads a list. It ends early where the bytes are no list.
pub(super) fn decode(bytes: &[u8]) -> impl Iterator<Item = Posting> + '_ {
    let (mut at, mut next) = (0, 0u32);
    std::iter::from_fn(move || {
        let (mut gap, mut shift) = (0u32, 0);
        loop {
            let byte = *bytes.get(at)?;
            at += 1;
            gap |= u32::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let occurrence = Occurrence::from_byte(*bytes.get(at)?);
        at += 1;
        let doc = next.checked_add(gap)?;
        next = doc.checked_add(1)?;
        Some(Posting { doc, occurrence })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lists_come_back(docs in prop::collection::btree_set(0u32..3_000_000, 0..200)) {
            let list: Vec<Posting> = docs
                .into_iter()
                .map(|doc| Posting { doc, occurrence: Occurrence::from_byte(doc.to_le_bytes()[0]) })
                .collect();
            let mut bytes = Vec::new();
            encode(list.iter().copied(), &mut bytes);
            prop_assert_eq!(decode(&bytes).collect::<Vec<_>>(), list);
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            prop_assert!(decode(&bytes).count() <= bytes.len());
        }
    }

    #[test]
    fn counts_are_kept_in_steps() {
        let count = |n| Occurrence::WHOLE.times(n).frequency().to_string();
        assert_eq!([0, 1, 4, 9, 1000].map(count), ["0", "1", "3.5", "7", "80"]);
        assert!(Occurrence::WHOLE.times(7).is(Occurrence::WHOLE));
    }
}
