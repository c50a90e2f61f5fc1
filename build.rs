//! Puts the cockpit's files together and compresses them, and makes the app's one document, so
//! that the program has them ready.
//!
//! Parts are joined in the order of their names, which begin with numbers. What only their readers
//! in the source need is left out: indentation, and lines that are nothing but a comment. No text of
//! the page goes over the end of a line, which a test of `http::cockpit` sees to.
//!
//! What is for conversations is two files of its own, which the page loads only where there are any.
//!
//! The app is a page in the window of somebody else, who lets it load nothing. It has the styles of
//! the cockpit and those parts of its script that say how things stand, and its own after them.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// The parts of the cockpit's script that the app has too.
const SHARED: [&str; 7] = [
    "00-page.js",
    "10-words.js",
    "15-things.js",
    "50-chart.js",
    "73-frame.js",
    "76-canary.js",
    "77-job.js",
];

fn main() -> Result<(), Box<dyn Error>> {
    let assets = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("assets");
    let (cockpit, app) = (assets.join("cockpit"), assets.join("app"));
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    for watched in [Path::new("build.rs"), &cockpit, &app] {
        println!("cargo::rerun-if-changed={}", watched.display());
    }
    let (style, script) = (parts(&cockpit.join("css"))?, parts(&cockpit.join("js"))?);
    let shared = SHARED.iter().map(|name| cockpit.join("js").join(name));
    let document = fs::read_to_string(app.join("app.html"))?
        .replace("{style}", &joined(style.iter().cloned().chain(parts(&app.join("css"))?))?)
        .replace("{script}", &joined(shared.chain(parts(&app.join("js"))?))?);
    fs::write(out.join("app.html"), sent(&document))?;
    write(&out, "cockpit.html", &sent(&fs::read_to_string(cockpit.join("cockpit.html"))?))?;
    write(&out, "cockpit.css", &joined(style)?)?;
    write(&out, "cockpit.js", &joined(script)?)?;
    let chat = cockpit.join("chat");
    write(&out, "cockpit-chat.css", &joined(parts(&chat.join("css"))?)?)?;
    write(&out, "cockpit-chat.js", &joined(parts(&chat.join("js"))?)?)
}

fn parts(directory: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    let mut parts: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    parts.sort();
    Ok(parts)
}

fn joined(parts: impl IntoIterator<Item = PathBuf>) -> Result<String, Box<dyn Error>> {
    let texts = parts.into_iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
    Ok(sent(&texts.join("\n")))
}

fn sent(text: &str) -> String {
    let is_comment =
        |line: &str| line.starts_with("//") || (line.starts_with("/*") && line.ends_with("*/"));
    let lines = text.lines().map(str::trim_start);
    lines.filter(|line| !line.is_empty() && !is_comment(line)).collect::<Vec<_>>().join("\n")
}

fn write(out: &Path, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let mut compressed = Vec::new();
    let options = zopfli::Options::default();
    zopfli::compress(options, zopfli::Format::Gzip, text.as_bytes(), &mut compressed)?;
    fs::write(out.join(name), text)?;
    fs::write(out.join(format!("{name}.gz")), compressed)?;
    Ok(())
}
