//! What OAuth needs, and what is refused where it is not there.

use super::Case;

const ISSUER: &str = "LUKHAS_MCP_OAUTH_ISSUER";
const BUILT_IN: &str = "LUKHAS_MCP_OAUTH_BUILT_IN";

fn case(variables: &[(&str, &str)]) -> Case {
    variables.iter().fold(Case::new(), |case, (name, value)| case.variable(name, value))
}

#[test]
fn each_half_needs_the_public_address_and_giving_out_tokens_needs_a_key() {
    let (base, key) =
        (("MCP_PUBLIC_BASE_URL", "https://mcp.example"), ("LUKHAS_MCP_API_KEYS", "k"));
    let http = |url| ("MCP_PUBLIC_BASE_URL", url);
    let issuer = (ISSUER, "https://id.example");
    let on = (BUILT_IN, "true");
    for good in [
        &[issuer, base][..],
        &[on, base, key],
        &[on, base, ("LUKHAS_MCP_READ_API_KEYS", "k")],
        &[on, http("http://127.0.0.1:8766"), key],
        &[on, issuer, base, key],
        &[(BUILT_IN, "false")],
    ] {
        case(good).loaded();
    }
    for (bad, said) in [
        (&[issuer][..], "set MCP_PUBLIC_BASE_URL"),
        (&[on], "set LUKHAS_MCP_API_KEYS"),
        (&[on, base], "set LUKHAS_MCP_API_KEYS"),
        (&[on, key], "MCP_PUBLIC_BASE_URL to an https URL"),
        (&[on, key, http("http://mcp.example")], "MCP_PUBLIC_BASE_URL to an https URL"),
    ] {
        let refusal = case(bad).refusal();
        assert!(refusal.contains(said), "{bad:?}: {refusal}");
    }
}

#[test]
fn an_issuer_is_kept_as_it_is_written_and_must_be_safe_to_trust() {
    let base = ("MCP_PUBLIC_BASE_URL", "https://mcp.example");
    for issuer in ["https://id.example", "https://id.example/", "http://localhost:1/realms/ops"] {
        let loaded = case(&[(ISSUER, issuer), base]).loaded();
        assert_eq!(loaded.settings.oauth.issuer.as_deref(), Some(issuer));
    }
    for issuer in ["http://id.example", "id.example", "https://u:p@id.example", "https://id/?a=b"] {
        let refusal = case(&[(ISSUER, issuer), base]).refusal();
        assert!(refusal.contains("oauth.issuer") && refusal.contains("https URL"), "{refusal}");
    }
}

#[test]
fn a_daemon_that_wants_tokens_is_not_open() {
    let variables = [
        (ISSUER, "https://id.example"),
        ("MCP_PUBLIC_BASE_URL", "https://mcp.example"),
        ("LUKHAS_MCP_LISTEN", "0.0.0.0"),
    ];
    case(&variables).loaded();
    let refusal = case(&variables[1..]).refusal();
    assert!(refusal.contains("without API keys"), "{refusal}");
}
