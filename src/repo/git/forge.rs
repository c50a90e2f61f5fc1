//! Where the forge that the repository was cloned from shows a file.

use std::fmt::Write as _;

use super::error::GitError;
use super::repository::{GitTree, Head, head};
use crate::repo::RepoPath;

/// A place in the web at which files of the checked-out branch can be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forge {
    /// Ends with a slash, and has neither a user nor a password in it.
    files: String,
}

/// What is checked out.
enum Revision<'a> {
    Branch(&'a str),
    Commit(&'a str),
}

/// The kinds of forges that are known, by how they name a file.
#[derive(Clone, Copy)]
enum Kind {
    Github,
    Gitlab,
    Bitbucket,
    Gitea,
}

impl Forge {
    /// The address of a file; whether the forge has it yet is another matter.
    pub fn blob_url(&self, path: &RepoPath) -> String {
        format!("{}{}", self.files, encoded(path.as_str()))
    }

    /// Reads the address of a remote; none if it is no forge that is known.
    fn at(remote: &str, revision: &Revision<'_>) -> Option<Self> {
        let (host, project) = host_and_project(remote)?;
        let kind = kind_of(host.split(':').next()?)?;
        let names: Vec<&str> = project.split('/').collect();
        let has_depth = match kind {
            Kind::Gitlab => 2 <= names.len(),
            Kind::Github | Kind::Bitbucket | Kind::Gitea => names.len() == 2,
        };
        if !has_depth || !names.iter().all(|name| is_plain(name)) {
            return None;
        }
        let view = match (kind, revision) {
            (Kind::Github, _) => "blob",
            (Kind::Gitlab, _) => "-/blob",
            (Kind::Bitbucket, _) => "src",
            (Kind::Gitea, Revision::Branch(_)) => "src/branch",
            (Kind::Gitea, Revision::Commit(_)) => "src/commit",
        };
        let (Revision::Branch(revision) | Revision::Commit(revision)) = revision;
        Some(Self { files: format!("https://{host}/{project}/{view}/{}/", encoded(revision)) })
    }
}

impl GitTree {
    /// The forge of the remote `origin`, for what is checked out now; none if there is no such
    /// remote, no commit, or no forge that is known.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub fn forge(&self) -> Result<Option<Forge>, GitError> {
        let repository = self.repository()?;
        let config = repository.config()?;
        let remote = match config.get_string("remote.origin.url") {
            Ok(remote) => remote,
            Err(error) if error.code() == git2::ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(match head(&repository)? {
            Head::Branch(branch) => Forge::at(&remote, &Revision::Branch(branch.short_name())),
            Head::Detached(id) => Forge::at(&remote, &Revision::Commit(&id.to_string())),
            Head::Other => None,
        })
    }
}

/// Host, with a port if pages are served there too, and project of an address of git.
fn host_and_project(remote: &str) -> Option<(String, &str)> {
    let remote = remote.trim();
    let (host, project) = match remote.split_once("://") {
        Some(("https", rest)) => {
            let (authority, project) = rest.split_once('/')?;
            (without_user(authority).to_owned(), project)
        }
        Some(("ssh" | "git+ssh", rest)) => {
            let (authority, project) = rest.split_once('/')?;
            (without_user(authority).split(':').next()?.to_owned(), project)
        }
        Some(_) => return None,
        // As `scp` writes it.
        None => {
            let (authority, project) = remote.split_once(':')?;
            (without_user(authority).to_owned(), project)
        }
    };
    let project = project.trim_matches('/');
    let project = project.strip_suffix(".git").unwrap_or(project);
    let host = host.to_ascii_lowercase();
    let is_host = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte));
    is_host.then_some((main_host(host), project))
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// The host of the pages, of one that is only for `ssh`.
fn main_host(host: String) -> String {
    match host.as_str() {
        "ssh.github.com" => "github.com".to_owned(),
        "altssh.gitlab.com" => "gitlab.com".to_owned(),
        "altssh.bitbucket.org" => "bitbucket.org".to_owned(),
        _ => host,
    }
}

fn kind_of(host: &str) -> Option<Kind> {
    match host {
        "github.com" => Some(Kind::Github),
        "bitbucket.org" => Some(Kind::Bitbucket),
        "codeberg.org" => Some(Kind::Gitea),
        _ if host.starts_with("gitlab.") => Some(Kind::Gitlab),
        _ if host.starts_with("gitea.") => Some(Kind::Gitea),
        _ => None,
    }
}

fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-~".contains(&byte);
    !matches!(name, "" | "." | "..") && name.bytes().all(is_plain)
}

/// Percent-encodes all but what stands for itself, and slashes.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(byte.into());
        } else {
            // Writing to a string cannot fail.
            let _written = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_at_the_forge_of_the_remote() {
        let path = RepoPath::parse("docs/a b#1?é%.md").unwrap();
        let file = "docs/a%20b%231%3F%C3%A9%25.md";
        for (remote, files) in [
            ("https://github.com/o/r.git", "https://github.com/o/r/blob/fix/%231/"),
            ("https://ada:s3cret@GitHub.com/o/r", "https://github.com/o/r/blob/fix/%231/"),
            ("https://token@github.com/o/r/", "https://github.com/o/r/blob/fix/%231/"),
            ("git@github.com:o/r.git", "https://github.com/o/r/blob/fix/%231/"),
            ("ssh://git@ssh.github.com:443/o/r.git", "https://github.com/o/r/blob/fix/%231/"),
            ("https://gitlab.com/g/h/r.git", "https://gitlab.com/g/h/r/-/blob/fix/%231/"),
            ("git@gitlab.example.org:g/r", "https://gitlab.example.org/g/r/-/blob/fix/%231/"),
            ("ssh://git@gitlab.x.org:2222/g/r", "https://gitlab.x.org/g/r/-/blob/fix/%231/"),
            ("https://gitlab.x.org:8443/g/r", "https://gitlab.x.org:8443/g/r/-/blob/fix/%231/"),
            ("git@bitbucket.org:o/r.git", "https://bitbucket.org/o/r/src/fix/%231/"),
            ("https://codeberg.org/o/r.git", "https://codeberg.org/o/r/src/branch/fix/%231/"),
            ("gitea@gitea.example.org:o/r", "https://gitea.example.org/o/r/src/branch/fix/%231/"),
        ] {
            let forge = Forge::at(remote, &Revision::Branch("fix/#1")).unwrap();
            assert_eq!(forge.blob_url(&path), format!("{files}{file}"), "{remote}");
        }
        let commit = Revision::Commit("0123");
        let forge = Forge::at("git@codeberg.org:o/r.git", &commit).unwrap();
        assert_eq!(
            forge.blob_url(&path),
            format!("https://codeberg.org/o/r/src/commit/0123/{file}")
        );
    }

    #[test]
    fn what_is_no_known_forge_has_no_address() {
        for remote in [
            "",
            "/srv/git/r.git",
            "../r",
            "C:\\git\\r",
            "file:///srv/r.git",
            "http://github.com/o/r",
            "git://github.com/o/r",
            "https://example.org/o/r",
            "https://github.com.evil.org/o/r",
            "https://evil.org/github.com/o/r",
            "https://github.com@evil.org/o/r",
            "https://github.com",
            "https://github.com/o",
            "https://github.com/o/r/tree",
            "https://github.com/../r",
            "https://github.com/o/r?x=1",
            "https://gitlab.com/g/a b",
            "https://gitlab.<script>/g/a",
            "git@github.com:o/%2e%2e",
        ] {
            assert_eq!(Forge::at(remote, &Revision::Branch("main")), None, "{remote}");
        }
    }
}
