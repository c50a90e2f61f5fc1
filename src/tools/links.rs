//! Where a reader finds what tools name: the address in `url`.

use std::net::SocketAddr;

use url::Url;

use crate::repo::RepoPath;

/// Addresses of files and documents.
#[derive(Debug, Clone)]
pub struct Links {
    base: Url,
    is_public: bool,
}

impl Links {
    /// Addresses below `public`, if the daemon is reached from outside there; else below the one
    /// that it listens on.
    pub fn new(public: Option<&Url>, listen: SocketAddr) -> Self {
        match public {
            Some(public) => Self { base: public.clone(), is_public: true },
            None => Self { base: local(listen), is_public: false },
        }
    }

    /// Whether others reach the daemon at these addresses.
    pub fn are_public(&self) -> bool {
        self.is_public
    }

    /// Where others reach the endpoint of MCP, if that is known.
    pub fn endpoint(&self) -> Option<String> {
        let base = self.base.as_str().trim_end_matches('/');
        self.is_public.then(|| format!("{base}/mcp"))
    }

    /// Where a file can be read: from here if that is reachable for others, else on the forge, if
    /// the repository is on one.
    pub fn file(&self, path: &RepoPath, forge: Option<String>) -> String {
        match forge {
            Some(forge) if !self.is_public => forge,
            _ => self.below("repo", path.as_str()),
        }
    }

    /// Where the document about a job, a canary or a model can be read.
    pub fn document(&self, id: &str) -> String {
        self.below("documents", id)
    }

    fn below(&self, part: &str, path: &str) -> String {
        let mut url = self.base.clone();
        if let Ok(mut names) = url.path_segments_mut() {
            names.pop_if_empty().push(part).extend(path.split('/'));
        }
        url.into()
    }
}

/// The address that is listened on, as a client on this machine reaches it.
fn local(listen: SocketAddr) -> Url {
    let host = match listen {
        SocketAddr::V4(address) if address.ip().is_unspecified() => "127.0.0.1".to_owned(),
        SocketAddr::V6(address) if address.ip().is_unspecified() => "[::1]".to_owned(),
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    };
    let url = Url::parse(&format!("http://{host}:{}/", listen.port()));
    url.expect("an IP address and a port are an address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_where_others_can_read() {
        let path = RepoPath::parse("docs/a b?#%41.md").unwrap();
        let forge = || Some("https://forge.example/team/it/blob/main/x".to_owned());
        let public = Url::parse("https://mcp.example/base/").unwrap();
        let links = Links::new(Some(&public), ([127, 0, 0, 1], 8766).into());
        let expected = "https://mcp.example/base/repo/docs/a%20b%3F%23%2541.md";
        assert_eq!(links.file(&path, None), expected);
        assert_eq!(links.file(&path, forge()), expected);
        assert_eq!(links.document("adder:3"), "https://mcp.example/base/documents/adder:3");
        assert_eq!(links.endpoint().unwrap(), "https://mcp.example/base/mcp");

        let links = Links::new(None, ([0, 0, 0, 0], 80).into());
        assert_eq!(links.file(&path, forge()), forge().unwrap());
        assert_eq!(links.endpoint(), None);
        let path = RepoPath::parse("a.md").unwrap();
        assert_eq!(links.file(&path, None), "http://127.0.0.1/repo/a.md");
        let links = Links::new(None, "[::]:8766".parse().unwrap());
        assert_eq!(links.document("job_1"), "http://[::1]:8766/documents/job_1");
    }
}
