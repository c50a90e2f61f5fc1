//! The tables of what was spent, as Diesel sees them; a test holds this against the migrated database.

diesel::table! {
    usage_ledger (number) {
        number -> BigInt,
        conversation_id -> Text,
        request_id -> Text,
        principal -> Text,
        day -> Text,
        at -> Text,
        provider -> Text,
        model -> Text,
        purpose -> Text,
        prompt_tokens -> BigInt,
        completion_tokens -> BigInt,
        cached_tokens -> BigInt,
        cost_micros -> BigInt,
        is_estimate -> Bool,
    }
}

diesel::table! {
    usage_days (day, principal, provider, model, purpose) {
        day -> Text,
        principal -> Text,
        provider -> Text,
        model -> Text,
        purpose -> Text,
        entries -> BigInt,
        prompt_tokens -> BigInt,
        completion_tokens -> BigInt,
        cached_tokens -> BigInt,
        cost_micros -> BigInt,
        is_estimate -> Bool,
    }
}
