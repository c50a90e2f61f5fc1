//! The daemon's reading of what language models answer, as it is.

#[path = "../../src/adapters/llm/calls.rs"]
pub(crate) mod calls;
#[path = "../../src/adapters/llm/reading.rs"]
pub(crate) mod reading;
#[path = "../../src/adapters/llm/sends.rs"]
pub mod sends;
#[path = "../../src/adapters/llm/sse.rs"]
pub(crate) mod sse;
#[path = "../../src/adapters/llm/trouble.rs"]
pub(crate) mod trouble;
#[path = "../../src/adapters/llm/words.rs"]
pub mod words;

#[path = "."]
pub(crate) mod anthropic_messages {
    //! The messages of Anthropic.

    #[path = "../../src/adapters/llm/anthropic_messages/stream.rs"]
    pub(crate) mod stream;
}

#[path = "."]
pub(crate) mod openai_chat {
    //! Chat completions.

    #[path = "../../src/adapters/llm/openai_chat/stream.rs"]
    pub(crate) mod stream;
}
