//! Opening the files of the chat: only what nobody else could have written is believed, because it
//! says which programs are started.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use super::super::error::ConfigError;
use super::tree::Fault;

/// The most that is read of one file.
const MAX_BYTES: u64 = 1024 * 1024;

/// A file's name for errors: without directories, which are nobody's business.
pub(super) fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Puts a fault into the file that has it.
pub(super) fn in_file(name: &str, fault: Fault) -> ConfigError {
    ConfigError::Chat { place: format!("{name} line {}", fault.line), problem: fault.problem }
}

/// Who besides its owner may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Readers {
    Anybody,
    OwnersGroup,
}

/// Reads a file that may be absent.
///
/// # Errors
/// It is no file, belongs to somebody else, can be written by others, or cannot be read.
pub(super) fn read(
    path: &Path,
    name: &str,
    readers: Readers,
) -> Result<Option<String>, ConfigError> {
    let refuse = |problem: String| ConfigError::Chat { place: name.to_owned(), problem };
    let failed = |error: &io::Error| {
        refuse(format!("cannot be read ({}); check its permissions", error.kind()))
    };
    match std::fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(&error)),
        // What is no file, such as a pipe, may never open.
        Ok(metadata) if !metadata.is_file() => return Err(refuse("is not a file".to_owned())),
        Ok(_) => {}
    }
    let mut file = File::open(path).map_err(|error| failed(&error))?;
    let metadata = file.metadata().map_err(|error| failed(&error))?;
    judge(&metadata, rustix::process::geteuid().as_raw(), readers).map_err(refuse)?;
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|read| MAX_BYTES < read) {
        return Err(refuse(format!("is longer than {MAX_BYTES} bytes; is it the right file?")));
    }
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| refuse("is not valid UTF-8; save it as UTF-8".to_owned()))
}

fn judge(metadata: &Metadata, user: u32, readers: Readers) -> Result<(), String> {
    let mode = metadata.permissions().mode();
    let owner = metadata.uid();
    if owner != user && owner != 0 {
        return Err(
            "belongs to another user; give it to the daemon's user or to root (chown)".into()
        );
    }
    if mode & 0o022 != 0 {
        return Err(
            "can be written by others than its owner; take that from them (chmod go-w)".into()
        );
    }
    if readers == Readers::OwnersGroup && mode & 0o004 != 0 {
        return Err(
            "holds secrets and can be read by everybody; take that from them (chmod o-r)".into()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_of_somebody_else_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.yaml");
        std::fs::write(&path, "x").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        let own = metadata.uid();
        assert_eq!(judge(&metadata, own, Readers::Anybody), Ok(()));
        if own != 0 {
            let refused = judge(&metadata, own + 1, Readers::Anybody).unwrap_err();
            assert!(refused.starts_with("belongs to another user"), "{refused}");
        }
        for (mode, readers, said) in [
            (0o664, Readers::Anybody, "can be written"),
            (0o646, Readers::Anybody, "can be written"),
            (0o644, Readers::OwnersGroup, "can be read by everybody"),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let refused = read(&path, "config.yaml", readers).unwrap_err().to_string();
            assert!(refused.starts_with("config.yaml: ") && refused.contains(said), "{refused}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let text = read(&path, "config.yaml", Readers::OwnersGroup).unwrap();
        assert_eq!(text.as_deref(), Some("x"));
    }

    #[test]
    fn what_is_no_text_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        assert!(read(&path, "f", Readers::Anybody).unwrap().is_none());
        let refused = read(directory.path(), "f", Readers::Anybody).unwrap_err();
        assert_eq!(refused.to_string(), "f: is not a file");
        for (bytes, said) in [(vec![0xff], "UTF-8"), (vec![b'#'; 1024 * 1024 + 1], "longer")] {
            std::fs::write(&path, bytes).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let refused = read(&path, "f", Readers::Anybody).unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
    }
}
