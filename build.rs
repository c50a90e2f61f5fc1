//! Puts the cockpit's three files together and compresses them, so that the program has them ready.
//!
//! Parts are joined in the order of their names, which begin with numbers. What only their readers
//! in the source need is left out: indentation, and lines that are nothing but a comment. No text of
//! the page goes over the end of a line, which a test of `http::cockpit` sees to.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let assets = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("assets/cockpit");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", assets.display());
    write(&out, "cockpit.html", &sent(&fs::read_to_string(assets.join("cockpit.html"))?))?;
    write(&out, "cockpit.css", &joined(&assets.join("css"))?)?;
    write(&out, "cockpit.js", &joined(&assets.join("js"))?)
}

fn joined(directory: &Path) -> Result<String, Box<dyn Error>> {
    let entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    let mut parts: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    parts.sort();
    let texts = parts.iter().map(fs::read_to_string).collect::<Result<Vec<_>, _>>()?;
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
