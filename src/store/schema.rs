//! The tables as Diesel sees them; a test holds this against the migrated database.

diesel::table! {
    jobs (job_id) {
        job_id -> Text,
        number -> BigInt,
        task_id -> Text,
        config_id -> Text,
        status -> Text,
        started_at -> Text,
        updated_at -> Text,
        result_json -> Nullable<Text>,
        principal -> Text,
        runner -> Text,
        run_ref -> Nullable<Text>,
        error -> Nullable<Text>,
        failure_reason -> Nullable<Text>,
        progress -> Nullable<Double>,
        progress_text -> Nullable<Text>,
        timeout_seconds -> Nullable<BigInt>,
        deadline_at -> Nullable<Text>,
        running_at -> Nullable<Text>,
        cancel_requested_by -> Nullable<Text>,
        cancel_reason -> Nullable<Text>,
    }
}

diesel::table! {
    swept_jobs (job_id) {
        job_id -> Text,
        number -> BigInt,
    }
}

diesel::table! {
    models (model_id) {
        model_id -> Text,
        promoted -> Bool,
        promoted_at -> Nullable<Text>,
    }
}

diesel::table! {
    model_gates (model_id, gate) {
        model_id -> Text,
        gate -> Text,
        model_name -> Text,
    }
}

diesel::table! {
    gate_moves (id) {
        id -> BigInt,
        key -> Text,
        registry -> Text,
        model_name -> Text,
        gate -> Text,
        model_id -> Text,
        kind -> Text,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        state -> Text,
        canary_id -> Nullable<Text>,
        undoes -> Nullable<BigInt>,
        actor -> Text,
        reason -> Nullable<Text>,
        evidence -> Nullable<Text>,
        audit_hash -> Text,
        found -> Nullable<Text>,
        trouble -> Nullable<Text>,
        reference -> Nullable<Text>,
        created_at -> Text,
        settled_at -> Nullable<Text>,
    }
}

diesel::table! {
    canaries (canary_id) {
        canary_id -> Text,
        number -> BigInt,
        model_id -> Text,
        from_gate -> Text,
        to_gate -> Text,
        status -> Text,
        created_at -> Text,
        updated_at -> Text,
        policy_json -> Text,
        phase -> Text,
        version -> BigInt,
        dry_run -> Bool,
        principal -> Text,
        source -> Text,
        elapsed_ms -> BigInt,
        seen_at -> Nullable<Text>,
        polls -> BigInt,
        counters_json -> Nullable<Text>,
        sample_hash -> Text,
        reason -> Nullable<Text>,
        decision_id -> Nullable<Text>,
        decided_at -> Nullable<Text>,
        trouble -> Nullable<Text>,
    }
}

diesel::table! {
    canary_metrics (id) {
        id -> BigInt,
        canary_id -> Text,
        created_at -> Text,
        latency_p95_ms -> Nullable<Double>,
        error_rate -> Nullable<Double>,
        gate -> Text,
        source -> Text,
        raw_data -> Nullable<Text>,
    }
}

diesel::table! {
    decisions (decision_id) {
        decision_id -> Text,
        canary_id -> Text,
        at -> Text,
        record_json -> Text,
        hash -> Text,
    }
}

diesel::table! {
    audits (id) {
        id -> BigInt,
        about -> Nullable<BigInt>,
        ts -> Text,
        actor -> Text,
        action -> Text,
        payload_json -> Text,
        entity_type -> Text,
        entity_id -> Text,
        message -> Text,
        prev_hash -> Text,
        hash -> Text,
    }
}

diesel::table! {
    events (seq) {
        seq -> BigInt,
        about -> Nullable<BigInt>,
        ts -> Text,
        topic -> Text,
        #[sql_name = "type"]
        event_type -> Text,
        payload_json -> Text,
    }
}

diesel::table! {
    idempotency_keys (principal, key) {
        principal -> Text,
        key -> Text,
        request_hash -> Text,
        job_id -> Text,
        created_at -> Text,
    }
}

diesel::table! {
    meta (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(models, model_gates);
diesel::table! {
    audit_checkpoints (size) {
        size -> BigInt,
        head -> Text,
        ts -> Text,
        public_key -> Nullable<Text>,
        signature -> Nullable<Text>,
        anchored_at -> Nullable<Text>,
        anchor -> Nullable<Text>,
    }
}

diesel::table! {
    audit_removals (up_to) {
        up_to -> BigInt,
    }
}

diesel::table! {
    webhook_cursors (webhook) {
        webhook -> Text,
        seq -> BigInt,
        updated_at -> Text,
    }
}

diesel::table! {
    repository_changes (id) {
        id -> BigInt,
        actor -> Text,
        change_json -> Text,
        created_at -> Text,
    }
}

diesel::table! {
    oauth_clients (id) {
        id -> Text,
        name -> Text,
        redirect_uris_json -> Text,
        created_at -> Text,
        used_at -> Nullable<Text>,
    }
}

diesel::table! {
    oauth_grants (id) {
        id -> Text,
        client_id -> Text,
        client_name -> Text,
        key_name -> Text,
        principal -> Text,
        scope -> Text,
        resource -> Text,
        redirect_uri -> Text,
        challenge -> Text,
        created_at -> Text,
        expires_at -> Text,
    }
}

diesel::table! {
    oauth_secrets (digest) {
        digest -> Text,
        grant_id -> Text,
        kind -> Text,
        spent -> Bool,
        issued_at -> Text,
        expires_at -> Text,
    }
}

diesel::allow_tables_to_appear_in_same_query!(oauth_clients, oauth_grants, oauth_secrets);

diesel::table! {
    subscriptions (id) {
        id -> Text,
        principal -> Text,
        url -> Text,
        name -> Text,
        arguments -> Text,
        secret -> Text,
        old_secret -> Nullable<Text>,
        old_secret_until -> Nullable<Text>,
        seq -> BigInt,
        created_at -> Text,
        expires_at -> Text,
        suspended_at -> Nullable<Text>,
        delivered_at -> Nullable<Text>,
        last_error -> Nullable<Text>,
        failed_since -> Nullable<Text>,
    }
}

diesel::table! {
    conversations (id) {
        id -> Text,
        owner -> Text,
        title -> Text,
        origin -> Text,
        session -> Nullable<Text>,
        parent_id -> Nullable<Text>,
        fork_seq -> Nullable<BigInt>,
        transcript -> Nullable<Text>,
        last_seq -> BigInt,
        summary_seq -> Nullable<BigInt>,
        created_at -> Text,
        updated_at -> Text,
        prompt_tokens -> BigInt,
        completion_tokens -> BigInt,
        cost_micros -> BigInt,
        first_owner -> Text,
    }
}

diesel::table! {
    mcp_processes (token) {
        token -> Text,
        server -> Text,
        identity_json -> Nullable<Text>,
        created_at -> Text,
    }
}

diesel::table! {
    chat_events (number) {
        id -> Text,
        conversation_id -> Text,
        seq -> BigInt,
        timestamp -> Text,
        #[sql_name = "type"]
        event_type -> Text,
        role -> Nullable<Text>,
        content -> Nullable<Text>,
        tool_calls -> Nullable<Text>,
        tool_call_id -> Nullable<Text>,
        model -> Nullable<Text>,
        usage -> Nullable<Text>,
        extra -> Nullable<Text>,
        token_count -> BigInt,
        request_id -> Nullable<Text>,
        number -> BigInt,
    }
}

diesel::table! {
    chat_turns (number) {
        number -> BigInt,
        conversation_id -> Text,
        request_id -> Text,
        principal -> Text,
        status -> Text,
        request_json -> Text,
        request_hash -> Text,
        first_seq -> Nullable<BigInt>,
        last_seq -> Nullable<BigInt>,
        attempts -> Integer,
        cancel_requested_by -> Nullable<Text>,
        created_at -> Text,
        ended_at -> Nullable<Text>,
        prompt_tokens -> BigInt,
        completion_tokens -> BigInt,
        total_tokens -> BigInt,
        cached_tokens -> BigInt,
        cost_micros -> BigInt,
        is_estimate -> Bool,
        asked_tokens -> BigInt,
        is_unplaced -> Bool,
    }
}

diesel::table! {
    chat_partials (conversation_id, seq, part) {
        conversation_id -> Text,
        seq -> BigInt,
        part -> Integer,
        text -> Text,
    }
}

diesel::table! {
    chat_approvals (id) {
        id -> Text,
        conversation_id -> Text,
        turn -> BigInt,
        call_id -> Text,
        server -> Text,
        tool -> Text,
        arguments_json -> Text,
        definition -> Text,
        reason -> Text,
        status -> Text,
        always -> Bool,
        decided_by -> Nullable<Text>,
        created_at -> Text,
        expires_at -> Text,
        decided_at -> Nullable<Text>,
    }
}

diesel::table! {
    tool_pins (server, tool) {
        server -> Text,
        tool -> Text,
        hash -> Text,
        pinned_at -> Text,
    }
}
