//! What a file holds, as it goes over the wire: text as it is, anything else in base64.
//!
//! Nothing is ever converted: text that is UTF-8 keeps its byte order mark and its line ends, and
//! bytes that are not text go out in base64 and never with replacement characters.

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::repo::RepoPath;

/// Either alphabet's base64, with padding or without.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// How the bytes of a file are written as JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(extend("enum" = ["utf8", "utf-8", "base64"]))]
pub enum Encoding {
    /// As the text that they are.
    #[default]
    #[serde(alias = "utf-8")]
    Utf8,
    /// In base64, of the standard or of the URL alphabet, with padding or without.
    Base64,
}

/// A text that is no base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not base64; send text with the encoding utf8, and bytes in base64")]
pub struct InvalidBase64;

impl Encoding {
    /// The bytes that a text stands for.
    ///
    /// # Errors
    /// The text should be base64 and is not.
    pub fn decode(self, text: String) -> Result<Vec<u8>, InvalidBase64> {
        match self {
            Self::Utf8 => Ok(text.into_bytes()),
            Self::Base64 => decode_base64(&text),
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "utf8",
            Self::Base64 => "base64",
        })
    }
}

/// Reads base64 as `base64` programs write it: line ends do not count.
fn decode_base64(text: &str) -> Result<Vec<u8>, InvalidBase64> {
    let bytes = text.as_bytes();
    let unbroken: Vec<u8>;
    let bytes = if bytes.iter().any(u8::is_ascii_whitespace) {
        unbroken = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        &unbroken
    } else {
        bytes
    };
    let engine = if bytes.iter().any(|byte| b"-_".contains(byte)) { URL_SAFE } else { STANDARD };
    engine.decode(bytes).map_err(|_what_exactly| InvalidBase64)
}

/// Bytes as they are shown to a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The text.
    pub text: String,
    /// How it stands for the bytes.
    pub encoding: Encoding,
}

impl Shown {
    /// Shows bytes as text if they are UTF-8, else in base64.
    pub fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self { text, encoding: Encoding::Utf8 },
            Err(error) => Self {
                text: general_purpose::STANDARD.encode(error.as_bytes()),
                encoding: Encoding::Base64,
            },
        }
    }
}

/// What kind of file it is, by the ending of its name; `is_text` says whether its bytes are UTF-8,
/// so that no text type is claimed for bytes that are none.
pub fn mime_type(path: &RepoPath, is_text: bool) -> &'static str {
    let by_name = by_ending(path);
    match (by_name, is_text) {
        (Some(kind), true) => kind,
        (Some(kind), false) if !reads_as_text(kind) => kind,
        (None, true) => "text/plain",
        (_, false) => "application/octet-stream",
    }
}

/// Whether a type is one of text.
fn reads_as_text(kind: &str) -> bool {
    kind.starts_with("text/")
        || matches!(
            kind,
            "application/json"
                | "application/xml"
                | "application/toml"
                | "application/yaml"
                | "application/x-ndjson"
                | "application/sql"
                | "application/graphql"
                | "application/x-sh"
                | "application/schema+json"
                | "application/x-ipynb+json"
                | "image/svg+xml"
        )
}

fn by_ending(path: &RepoPath) -> Option<&'static str> {
    // Names that say what they are without an ending.
    match path.file_name() {
        "Makefile" | "GNUmakefile" | "makefile" => return Some("text/x-makefile"),
        "Dockerfile" | "Containerfile" => return Some("text/x-dockerfile"),
        "CMakeLists.txt" => return Some("text/x-cmake"),
        "Cargo.lock" | "uv.lock" | "poetry.lock" => return Some("application/toml"),
        _ => {}
    }
    let ending = path.extension()?.to_ascii_lowercase();
    Some(match ending.as_str() {
        "md" | "markdown" | "mdx" => "text/markdown",
        "rst" => "text/x-rst",
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "csv" => "text/csv",
        "tsv" => "text/tab-separated-values",
        "js" | "mjs" | "cjs" | "jsx" => "text/javascript",
        "ts" | "tsx" | "mts" | "cts" => "text/x-typescript",
        "rs" => "text/x-rust",
        "py" | "pyi" => "text/x-python",
        "go" => "text/x-go",
        "java" => "text/x-java",
        "kt" | "kts" => "text/x-kotlin",
        "scala" => "text/x-scala",
        "swift" => "text/x-swift",
        "c" | "h" => "text/x-c",
        "cc" | "cpp" | "cxx" | "hh" | "hpp" | "hxx" => "text/x-c++",
        "cs" => "text/x-csharp",
        "rb" => "text/x-ruby",
        "php" => "text/x-php",
        "pl" | "pm" => "text/x-perl",
        "lua" => "text/x-lua",
        "r" => "text/x-r",
        "jl" => "text/x-julia",
        "hs" => "text/x-haskell",
        "ex" | "exs" => "text/x-elixir",
        "erl" | "hrl" => "text/x-erlang",
        "clj" | "cljs" => "text/x-clojure",
        "sh" | "bash" | "zsh" | "fish" => "application/x-sh",
        "sql" => "application/sql",
        "proto" => "text/x-protobuf",
        "graphql" | "gql" => "application/graphql",
        "diff" | "patch" => "text/x-diff",
        "tex" => "text/x-tex",
        "cmake" => "text/x-cmake",
        "mk" => "text/x-makefile",
        "json" => "application/json",
        "jsonl" | "ndjson" => "application/x-ndjson",
        "ipynb" => "application/x-ipynb+json",
        "toml" => "application/toml",
        "yaml" | "yml" => "application/yaml",
        "xml" | "xsd" | "xsl" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "ico" => "image/x-icon",
        "tif" | "tiff" => "image/tiff",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        "bz2" => "application/x-bzip2",
        "xz" => "application/x-xz",
        "zst" => "application/zstd",
        "tar" => "application/x-tar",
        "7z" => "application/x-7z-compressed",
        "wasm" => "application/wasm",
        "sqlite" | "db" => "application/vnd.sqlite3",
        "parquet" => "application/vnd.apache.parquet",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "otf" => "font/otf",
        _ => return None,
    })
}

/// What an id of a file begins with.
const FILE_ID: &str = "lukhas-path:";

/// The id under which clients fetch a file.
pub fn file_id(path: &RepoPath) -> String {
    let mut id = FILE_ID.to_owned();
    general_purpose::STANDARD.encode_string(path.as_str(), &mut id);
    id
}

/// Why an id of a file is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FileIdError {
    /// What follows the colon is not base64 of text.
    #[error("what follows lukhas-path: must be a path in base64 or base64url")]
    Encoding,
    /// The path is none below the root.
    #[error(transparent)]
    Path(#[from] crate::repo::PathError),
}

/// Reads the id of a file; nothing if it is the id of something else.
pub fn parse_file_id(id: &str) -> Option<Result<RepoPath, FileIdError>> {
    let encoded = id.strip_prefix(FILE_ID)?;
    let text = decode_base64(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    Some(match text {
        Some(text) => RepoPath::parse(&text).map_err(FileIdError::Path),
        None => Err(FileIdError::Encoding),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repo::PathError;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    #[test]
    fn text_stays_text_and_anything_else_is_base64() {
        for text in ["", "a\r\nb", "\u{feff}mark", "nul\0", "\u{1f511}"] {
            let shown = Shown::of(text.as_bytes().to_vec());
            assert_eq!((shown.text.as_str(), shown.encoding), (text, Encoding::Utf8));
        }
        let bytes = vec![0xff, 0xfe, b'a', 0];
        let shown = Shown::of(bytes.clone());
        assert_eq!((shown.text.as_str(), shown.encoding), ("//5hAA==", Encoding::Base64));
        assert_eq!(shown.encoding.decode(shown.text), Ok(bytes));
    }

    #[test]
    fn either_alphabet_is_read_with_padding_and_without() {
        let bytes = vec![0xfb, 0xff, 0xfe, 0x01];
        for text in ["+//+AQ==", "+//+AQ", "-__-AQ==", "-__-AQ", "+//+\nAQ==\n"] {
            assert_eq!(Encoding::Base64.decode(text.to_owned()), Ok(bytes.clone()), "{text}");
        }
        for wrong in ["+_/+AQ==", "a", "a===", "AR", "\u{e9}", "AA=A"] {
            assert_eq!(Encoding::Base64.decode(wrong.to_owned()), Err(InvalidBase64), "{wrong}");
        }
    }

    #[test]
    fn the_names_of_encodings_are_those_of_the_wire() {
        for (json, encoding) in
            [("utf8", Encoding::Utf8), ("utf-8", Encoding::Utf8), ("base64", Encoding::Base64)]
        {
            let read: Encoding = serde_json::from_str(&format!("{json:?}")).unwrap();
            assert_eq!(read, encoding);
        }
        assert!(serde_json::from_str::<Encoding>("\"latin1\"").is_err());
        assert_eq!(serde_json::to_value(Encoding::Utf8).unwrap(), "utf8");
    }

    #[test]
    fn a_file_is_what_its_name_and_its_bytes_say() {
        for (name, is_text, kind) in [
            ("docs/guide.md", true, "text/markdown"),
            ("src/main.RS", true, "text/x-rust"),
            ("a.json", true, "application/json"),
            ("a.png", false, "image/png"),
            ("a.svg", true, "image/svg+xml"),
            ("Makefile", true, "text/x-makefile"),
            ("LICENSE", true, "text/plain"),
            (".gitignore", true, "text/plain"),
            ("data.bin", false, "application/octet-stream"),
            // Not what it says it is.
            ("guide.md", false, "application/octet-stream"),
            ("a.json", false, "application/octet-stream"),
        ] {
            assert_eq!(mime_type(&path(name), is_text), kind, "{name}");
        }
    }

    #[test]
    fn an_id_reads_back_in_either_alphabet() {
        let id = file_id(&path("docs/guide.md"));
        assert_eq!(id, "lukhas-path:ZG9jcy9ndWlkZS5tZA==");
        for id in [id.as_str(), "lukhas-path:ZG9jcy9ndWlkZS5tZA"] {
            assert_eq!(parse_file_id(id), Some(Ok(path("docs/guide.md"))), "{id}");
        }
        assert_eq!(parse_file_id("job_x"), None);
        for (id, why) in [
            ("lukhas-path:", FileIdError::Path(PathError::Empty)),
            ("lukhas-path:Li4veA==", FileIdError::Path(PathError::Climbs)),
            ("lukhas-path:%%%", FileIdError::Encoding),
            ("lukhas-path:/w==", FileIdError::Encoding),
        ] {
            assert_eq!(parse_file_id(id), Some(Err(why)), "{id}");
        }
    }
}
