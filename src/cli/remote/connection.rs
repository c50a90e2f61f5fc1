//! Which daemon is meant, and with which key it is asked?

use clap::Args;
use secrecy::SecretString;
use url::Url;

use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::client::Daemon;

/// The environment variables with the key, and with the name of a file that holds it.
pub(super) const KEY: &str = "LUKHAS_MCP_API_KEY";
pub(super) const KEY_FILE: &str = "LUKHAS_MCP_API_KEY_FILE";

#[derive(Debug, Args)]
pub(in crate::cli) struct ConnectionFlags {
    #[command(flatten)]
    pub(super) address: AddressFlags,
    /// Print the answer as the daemon gave it, as JSON on one line
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AddressFlags {
    /// The daemon's address [default: from the settings]. The key is read from
    /// `LUKHAS_MCP_API_KEY`, or from the file that `LUKHAS_MCP_API_KEY_FILE` names.
    #[arg(long, env = "LUKHAS_MCP_URL", value_name = "URL")]
    url: Option<String>,
}

impl AddressFlags {
    /// The daemon, and its address as it may be shown.
    pub(super) fn daemon(&self, flags: SettingsFlags) -> Result<(Daemon, String), Failure> {
        let url = self.url(flags)?;
        Ok((Daemon::at(&url, key()?)?.patient(), url))
    }

    /// The daemon's address, without a slash at its end.
    pub(super) fn url(&self, flags: SettingsFlags) -> Result<String, Failure> {
        match &self.url {
            Some(url) => checked(url),
            None => Ok(format!("http://{}", flags.load()?.settings.server.local_address())),
        }
    }
}

/// An address as a daemon can have it. It may have a path, where a proxy gives it one.
fn checked(address: &str) -> Result<String, Failure> {
    let wrong = |what: &str| Failure::settings(format!("the daemon's address {what}"));
    let url =
        Url::parse(address).map_err(|_| wrong("must be a URL such as http://127.0.0.1:8766"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("must be an http or https URL such as http://127.0.0.1:8766"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong(&format!("must not hold a password: put the key into {KEY}")));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must end before any ? or #"));
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The key from the environment. It is never on the command line, which everybody can see.
fn key() -> Result<Option<SecretString>, Failure> {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let (key, source) = match (named(KEY), named(KEY_FILE)) {
        (Some(_), Some(_)) => {
            return Err(Failure::settings(format!("{KEY} and {KEY_FILE} are both set: keep one")));
        }
        (Some(key), None) => (key, KEY),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Failure::settings(format!("the file of {KEY_FILE} cannot be read: {error}"))
            })?;
            // A file for the daemon may hold several; any is good.
            let first = text.split(['\n', ',']).map(str::trim).find(|key| !key.is_empty());
            let first = first
                .map(str::to_owned)
                .ok_or_else(|| Failure::settings(format!("the file of {KEY_FILE} holds no key")))?;
            (first, KEY_FILE)
        }
        (None, None) => return Ok(None),
    };
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        let allowed = "a key has visible ASCII characters and no spaces";
        return Err(Failure::settings(format!("{source} is not a key: {allowed}")));
    }
    Ok(Some(SecretString::from(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_base_url_without_secrets() {
        for (given, taken) in [
            ("http://127.0.0.1:8766/", "http://127.0.0.1:8766"),
            ("https://evals.example.org/mcp-server/", "https://evals.example.org/mcp-server"),
        ] {
            assert_eq!(checked(given).unwrap(), taken);
        }
        for wrong in
            ["127.0.0.1:8766", "localhost:8766", "ftp://x/", "http://k@x/", "http://x/?k=1"]
        {
            let failure = checked(wrong).unwrap_err().to_string();
            assert!(failure.starts_with("the daemon's address must"), "{wrong}: {failure}");
        }
    }
}
