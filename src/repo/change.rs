//! A change of the repository: what is intended, and what the files say became of it. Pure.

use serde::{Deserialize, Serialize};

use super::{ContentDigest, RepoPath};

/// The tool through which a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteTool {
    /// `write_file`.
    WriteFile,
    /// `create_file`.
    CreateFile,
    /// `update_file`.
    UpdateFile,
    /// `append_file`.
    AppendFile,
    /// `apply_patch`.
    ApplyPatch,
}

impl WriteTool {
    /// Its name, as the wire and the audit chain spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WriteFile => "write_file",
            Self::CreateFile => "create_file",
            Self::UpdateFile => "update_file",
            Self::AppendFile => "append_file",
            Self::ApplyPatch => "apply_patch",
        }
    }
}

/// The tool through which a file is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoveTool {
    /// `delete_file`.
    DeleteFile,
    /// `apply_patch`, with a patch that leaves nothing.
    ApplyPatch,
}

impl RemoveTool {
    /// Its name, as the wire and the audit chain spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeleteFile => "delete_file",
            Self::ApplyPatch => "apply_patch",
        }
    }
}

/// A file that a commit changes; `None` where there is no file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CommittedFile {
    pub(super) path: String,
    pub(super) before: Option<ContentDigest>,
    pub(super) after: Option<ContentDigest>,
}

/// What is to be done, with all that tells afterwards whether it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub(super) enum Change {
    /// A file is to hold something else, or to be there.
    Write {
        tool: WriteTool,
        path: RepoPath,
        before: Option<ContentDigest>,
        after: ContentDigest,
        size: u64,
        /// The name of the file that is written first, beside it.
        temporary: String,
    },
    /// A file is to have another name.
    Rename {
        from: RepoPath,
        to: RepoPath,
        digest: ContentDigest,
        /// What stood at the new name.
        displaced: Option<ContentDigest>,
        size: u64,
    },
    /// A file is to be gone.
    Remove { tool: RemoveTool, path: RepoPath, before: ContentDigest },
    /// A branch is to have a new commit.
    Commit { commit: String, branch: String, subject: String, files: Vec<CommittedFile> },
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was made.
    Made,
    /// Nothing was changed.
    NotMade,
    /// Somebody changed the file since, and nobody can tell.
    Unknown,
}

/// What the files show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Evidence {
    /// What the file holds, if it is there.
    File(Option<ContentDigest>),
    /// What the old and the new name hold.
    Names { from: Option<ContentDigest>, to: Option<ContentDigest> },
    /// Whether the branch has the commit.
    Branch { has_commit: bool },
}

impl Change {
    /// The action under which the audit chain has it.
    pub(super) fn action(&self) -> &'static str {
        match self {
            Self::Write { tool, .. } => tool.as_str(),
            Self::Rename { .. } => "rename_file",
            Self::Remove { tool, .. } => tool.as_str(),
            Self::Commit { .. } => "git_commit",
        }
    }

    /// What became of the change, by what is there now.
    pub(super) fn fate(&self, evidence: Evidence) -> Fate {
        match (self, evidence) {
            // Writing what stands there already changes nothing, made or not.
            (Self::Write { before, after, .. }, Evidence::File(now)) => {
                judge(now == Some(*after) && *before != Some(*after), now == *before)
            }
            (Self::Remove { before, .. }, Evidence::File(now)) => {
                judge(now.is_none(), now == Some(*before))
            }
            (Self::Rename { digest, .. }, Evidence::Names { from, to }) => {
                judge(from.is_none() && to == Some(*digest), from == Some(*digest))
            }
            (Self::Commit { .. }, Evidence::Branch { has_commit }) => judge(has_commit, true),
            _ => Fate::Unknown,
        }
    }
}

fn judge(is_as_intended: bool, is_as_before: bool) -> Fate {
    match (is_as_intended, is_as_before) {
        (true, _) => Fate::Made,
        (false, true) => Fate::NotMade,
        (false, false) => Fate::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    #[test]
    fn the_files_tell_what_became_of_a_change() {
        let [old, new, other] = [b"old", b"new", b"oth"].map(|bytes| ContentDigest::of(bytes));
        let write = Change::Write {
            tool: WriteTool::UpdateFile,
            path: path("a"),
            before: Some(old),
            after: new,
            size: 3,
            temporary: ".t".to_owned(),
        };
        for (now, fate) in [
            (Some(new), Fate::Made),
            (Some(old), Fate::NotMade),
            (Some(other), Fate::Unknown),
            (None, Fate::Unknown),
        ] {
            assert_eq!(write.fate(Evidence::File(now)), fate);
        }
        let same = Change::Write {
            tool: WriteTool::UpdateFile,
            path: path("a"),
            before: Some(old),
            after: old,
            size: 3,
            temporary: ".t".to_owned(),
        };
        assert_eq!(same.fate(Evidence::File(Some(old))), Fate::NotMade);
        let remove = Change::Remove { tool: RemoveTool::DeleteFile, path: path("a"), before: old };
        for (now, fate) in
            [(None, Fate::Made), (Some(old), Fate::NotMade), (Some(new), Fate::Unknown)]
        {
            assert_eq!(remove.fate(Evidence::File(now)), fate);
        }
        let rename = Change::Rename {
            from: path("a"),
            to: path("b"),
            digest: old,
            displaced: Some(old),
            size: 3,
        };
        for (from, to, fate) in [
            (None, Some(old), Fate::Made),
            (Some(old), Some(old), Fate::NotMade),
            (Some(old), None, Fate::NotMade),
            (None, None, Fate::Unknown),
            (None, Some(new), Fate::Unknown),
        ] {
            assert_eq!(rename.fate(Evidence::Names { from, to }), fate);
        }
    }

    #[test]
    fn a_change_reads_back() {
        let change = Change::Commit {
            commit: "c".repeat(40),
            branch: "main".to_owned(),
            subject: "docs: say it".to_owned(),
            files: vec![CommittedFile { path: "a/b".to_owned(), before: None, after: None }],
        };
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change);
        assert_eq!(change.fate(Evidence::Branch { has_commit: true }), Fate::Made);
        assert_eq!(change.fate(Evidence::Branch { has_commit: false }), Fate::NotMade);
    }
}
