//! Feeds `answer`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| lukhas_mcp_fuzz::answer::check(input));
