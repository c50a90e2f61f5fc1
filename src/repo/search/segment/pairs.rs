//! Which words follow one another in a file: each pair of neighbours is kept as one of many
//! made-up words, so that a phrase of common words is looked for in few files.

/// How many made-up words there are. Several pairs share one.
pub(super) const PAIRS: usize = 1 << 17;

/// The first byte that made-up words are made of. It, and the 31 that follow, are in no word.
const FIRST: u8 = 2;

/// The made-up word for two words that follow one another, as the vocabulary has them.
pub(in crate::repo::search) fn pair_of(before: &[u8], after: &[u8]) -> [u8; 4] {
    made_up(number_of(hash(before), hash(after)))
}

/// The number of the made-up word for two words, by their hashes.
pub(super) fn number_of(before: u64, after: u64) -> usize {
    let mixed = (before.rotate_left(21) ^ after).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    usize::try_from(mixed >> 40).unwrap_or(0) % PAIRS
}

/// The made-up word of a number.
pub(super) fn made_up(number: usize) -> [u8; 4] {
    let digit = |shift: u32| FIRST + u8::try_from(number >> shift & 31).unwrap_or(0);
    [digit(15), digit(10), digit(5), digit(0)]
}

/// Words are short and nobody gains by choosing them badly: a multiplication for each eight bytes.
/// It must not change: what is made of it is kept on the disk.
pub(super) fn hash(word: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = word.len() as u64;
    let (chunks, rest) = word.as_chunks::<8>();
    for chunk in chunks {
        hash = (hash ^ u64::from_le_bytes(*chunk)).wrapping_mul(FACTOR).rotate_left(29);
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let mixed = (hash ^ u64::from_le_bytes(last)).wrapping_mul(FACTOR);
    mixed ^ mixed >> 32
}

#[cfg(test)]
mod tests {
    use super::super::LONG_WORDS;
    use super::*;
    use crate::repo::search::words::is_word_char;

    #[test]
    fn made_up_words_are_no_words_and_differ() {
        let all: std::collections::BTreeSet<[u8; 4]> = (0..PAIRS).map(made_up).collect();
        assert_eq!(all.len(), PAIRS);
        assert!(all.iter().flatten().all(|byte| byte.is_ascii() && !is_word_char((*byte).into())));
        assert!(all.iter().all(|word| !word.starts_with(LONG_WORDS.as_bytes())));
        assert_ne!(pair_of(b"a", b"b"), pair_of(b"b", b"a"));
    }
}
