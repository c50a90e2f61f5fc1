//! The chat completions of OpenAI, which Groq, OpenRouter, Gemini, Mistral, Azure and most servers of
//! one's own speak too.

pub(crate) mod request;
pub(crate) mod stream;
