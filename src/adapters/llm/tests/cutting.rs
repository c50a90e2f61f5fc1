//! Streams that are cut anywhere, and streams that are nonsense.

use proptest::prelude::*;

use super::super::reading::Language;
use super::{read, stream};

/// Events of chat completions, good and bad.
const COMPLETION: &[&str] = &[
    r#"{"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null}}]}"#,
    r#"{"choices":[{"delta":{"content":"hä"}}]}"#,
    r#"{"choices":[{"delta":{"content":"","tool_calls":[{"index":0,"id":"a","function":{"name":"x","arguments":"{\"k\""}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":null,"arguments":":1}"}}]}}]}"#,
    r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"y","arguments":"{}"}}]}}]}"#,
    r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#,
    r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
    r#"{"error":{"message":"m"}}"#,
    "[DONE]",
    "{nonsense",
];

/// Events of messages, good and bad.
const MESSAGE: &[&str] = &[
    r#"{"type":"message_start","message":{"model":"m","usage":{"input_tokens":3}}}"#,
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a"}}"#,
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ü"}}"#,
    r#"{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"a","name":"x","input":{"q":1}}}"#,
    r#"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{}"}}"#,
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":7}}"#,
    r#"{"type":"message_stop"}"#,
    r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#,
    r#"{"type":"ping"}"#,
    "7",
];

fn events() -> impl Strategy<Value = (Language, String)> {
    let picked = |all: &'static [&'static str], language| {
        proptest::collection::vec(proptest::sample::select(all), 0..12)
            .prop_map(move |events| (language, stream(&events)))
    };
    prop_oneof![
        picked(COMPLETION, Language::OpenAiChat),
        picked(MESSAGE, Language::AnthropicMessages),
    ]
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect()
}

proptest! {
    #[test]
    fn it_does_not_matter_where_a_stream_is_cut_into_pieces(
        (language, text) in events(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let text = text.replace("data: ", "data:").replace('\n', "\r\n");
        let whole = read(language, &[text.as_bytes()]);
        prop_assert_eq!(read(language, &pieces(text.as_bytes(), &cuts)), whole);
    }

    #[test]
    fn a_stream_without_its_last_bytes_is_no_answer_of_another_text(
        (language, text) in events(),
        cut in any::<prop::sample::Index>(),
    ) {
        let part = &text.as_bytes()[..cut.index(text.len() + 1)];
        if let (Ok((whole, _)), Ok((part, _))) = (read(language, &[text.as_bytes()]), read(language, &[part])) {
            prop_assert!(whole.starts_with(&part));
        }
    }

    #[test]
    fn nonsense_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for language in [Language::OpenAiChat, Language::AnthropicMessages] {
            drop(read(language, &[&bytes]));
            drop(read(language, &[b"data: {", &bytes, b"}\n\n"]));
        }
    }
}
