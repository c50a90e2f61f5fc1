//! The evals that come with the program, so that a first one needs no files.
//!
//! What is shipped is what an eval needs to run: the `.toml` and `.jsonl` files of `assets/evals`.
//! How the data was made stays in the source tree.

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_bytes!(concat!("../assets/evals/", $path)))),*]
    };
}

/// The files of the shipped evals directory: path below it, with `/`, and content.
pub const FILES: &[(&str, &[u8])] = files![
    "configs/contains.toml",
    "configs/default.toml",
    "configs/exact.toml",
    "configs/last-word.toml",
    "configs/normalised.toml",
    "configs/numeric.toml",
    "configs/slow-motion.toml",
    "data/smollm2-quick/predictions-chat.jsonl",
    "data/smollm2-quick/predictions.jsonl",
    "data/smollm2-quick/references.jsonl",
    "tasks/smollm2.chat.toml",
    "tasks/smollm2.quick.toml",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::{Path, PathBuf};

    use super::*;

    fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|end| end == "toml" || end == "jsonl") {
                files.push(path);
            }
        }
    }

    #[test]
    fn everything_an_eval_needs_is_shipped_and_nothing_else() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/evals");
        let mut paths = Vec::new();
        collect(&root, &mut paths);
        let on_disk: BTreeMap<String, Vec<u8>> = paths
            .iter()
            .map(|path| {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read(path).unwrap())
            })
            .collect();
        let shipped: BTreeMap<String, Vec<u8>> =
            FILES.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect();
        assert_eq!(
            shipped.keys().collect::<Vec<_>>(),
            on_disk.keys().collect::<Vec<_>>(),
            "the list and the directory differ"
        );
        assert!(shipped == on_disk, "a shipped file differs from the one on disk");
        assert_eq!(shipped.len(), FILES.len(), "a file is listed twice");
    }
}
