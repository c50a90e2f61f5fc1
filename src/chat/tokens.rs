//! How many tokens a text has where a model reads it.

use tiktoken_rs::{CoreBPE, cl100k_base_singleton, o200k_base_singleton};

/// The longest text that is counted whole, in bytes. Of a longer one this much is counted and the
/// rest estimated by it, because the time that a hostile text takes is bounded by its length only.
const COUNTED: usize = 64 * 1024;

/// What a message has beside its text: who speaks, and where it ends.
pub const MESSAGE: u32 = 3;

/// What an answer begins with.
pub const PRIMING: u32 = 3;

/// Counts tokens as one model does, or as most do where it is not known how that one does.
///
/// The first count reads the vocabulary, which takes half a second and tens of megabytes: both are
/// meant for the blocking pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Vocabulary {
    Cl100k,
    O200k,
}

/// One of something for each vocabulary.
#[derive(Debug, Default)]
pub struct PerVocabulary<T> {
    cl100k: T,
    o200k: T,
}

impl Tokenizer {
    /// The tokenizer of a model, by its name.
    pub fn of(model: &str) -> Self {
        // A provider's prefix, such as `openai/`, is none of the model's name.
        let name = model.rsplit('/').next().unwrap_or(model);
        let newer = ["gpt-4o", "gpt-4.1", "gpt-5", "o1", "o3", "o4", "chatgpt-4o", "gpt-oss"];
        let is_newer = newer.iter().any(|start| name.starts_with(start));
        Self { vocabulary: if is_newer { Vocabulary::O200k } else { Vocabulary::Cl100k } }
    }

    fn bpe(self) -> &'static CoreBPE {
        match self.vocabulary {
            Vocabulary::Cl100k => cl100k_base_singleton(),
            Vocabulary::O200k => o200k_base_singleton(),
        }
    }

    /// The tokens of a text. What means something special to a model counts as the text that it is.
    pub fn count(self, text: &str) -> u32 {
        let counted = &text[..text.floor_char_boundary(COUNTED)];
        let tokens = self.bpe().encode_ordinary(counted).len();
        let whole = if counted.len() == text.len() {
            tokens
        } else {
            // In 128 bits, so that nothing overflows.
            let scaled = (tokens as u128 * text.len() as u128).div_ceil(counted.len() as u128);
            usize::try_from(scaled).unwrap_or(usize::MAX)
        };
        u32::try_from(whole).unwrap_or(u32::MAX)
    }

    /// What is counted for this tokenizer, of what was counted for each.
    pub fn among<T>(self, counts: &PerVocabulary<T>) -> &T {
        match self.vocabulary {
            Vocabulary::Cl100k => &counts.cl100k,
            Vocabulary::O200k => &counts.o200k,
        }
    }

    /// The tokens of a text as a message.
    pub fn count_message(self, text: &str) -> u32 {
        self.count(text).saturating_add(MESSAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mean_something_to_a_model_are_counted_as_text() {
        let tokenizer = Tokenizer::of("llama-3.3-70b-versatile");
        assert_eq!(tokenizer.count(""), 0);
        assert_eq!(tokenizer.count("Hello world"), 2);
        assert!(1 < tokenizer.count("<|endoftext|>"));
        assert_eq!(tokenizer.count_message("Hello world"), 5);
    }

    #[test]
    fn a_long_text_is_estimated_by_its_beginning() {
        let tokenizer = Tokenizer::of("gpt-4");
        let line = "the quick brown fox jumps over the lazy dog ";
        let (short, long) = (line.repeat(1_000), line.repeat(20_000));
        let (short, long) = (tokenizer.count(&short), tokenizer.count(&long));
        let expected = f64::from(short) * 20.0;
        assert!((f64::from(long) - expected).abs() < expected / 100.0, "{short} {long}");
    }

    #[test]
    fn models_have_their_own_vocabularies() {
        assert_eq!(Tokenizer::of("openai/gpt-4o-mini").vocabulary, Vocabulary::O200k);
        assert_eq!(Tokenizer::of("gpt-4-turbo").vocabulary, Vocabulary::Cl100k);
        assert_eq!(Tokenizer::of("claude-sonnet").vocabulary, Vocabulary::Cl100k);
    }
}
