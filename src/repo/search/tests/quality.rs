//! Whether people find what they look for: questions about this project, with the files that
//! answer them.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

/// Of all questions, for how many one of the first five files must be right.
const RECALL: f64 = 0.9;

#[derive(Deserialize)]
struct Question {
    kind: String,
    query: String,
    /// Any of these is right.
    files: Vec<String>,
    held_out: bool,
}

#[actix::test]
async fn people_find_what_they_look_for() {
    let project = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(project.join("tests/search/queries.jsonl")).unwrap();
    let questions: Vec<Question> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(60 <= questions.len());
    for file in questions.iter().flat_map(|question| &question.files) {
        assert!(project.join(file).is_file(), "tests/search/queries.jsonl: {file} is not there");
    }
    let site = Site::new(&[]);
    std::fs::remove_dir(site.repository()).unwrap();
    std::os::unix::fs::symlink(&project, site.repository()).unwrap();
    let index = site.ready().await;
    let mut missed = Vec::new();
    let mut ranks = BTreeMap::<String, Vec<f64>>::new();
    for question in &questions {
        let found = search(&index, &question.query).await;
        let mut paths = paths(&found);
        // The questions are no answer to themselves.
        paths.retain(|path| !path.starts_with("tests/search/"));
        let rank = paths.iter().position(|path| question.files.iter().any(|file| file == path));
        let part = if question.held_out { "held out" } else { "tuned on" };
        for group in ["all", part, &question.kind] {
            let reciprocal = rank.map_or(0.0, |rank| 1.0 / count(rank + 1));
            ranks.entry(group.to_owned()).or_default().push(reciprocal);
        }
        if rank.is_none_or(|rank| 5 <= rank) {
            missed.push((part, question.query.clone(), rank, paths.join(" ")));
        }
    }
    for (group, ranks) in &ranks {
        println!("{group}: n {} recall@5 {:.3} MRR {:.3}", ranks.len(), recall(ranks), mean(ranks));
    }
    // Whoever tunes the ranking must not see what is held out.
    missed.retain(|(part, ..)| *part != "held out");
    for (_, query, rank, paths) in &missed {
        println!("missed: {query} {rank:?}: {paths}");
    }
    assert!(RECALL <= recall(&ranks["all"]), "{missed:#?}");
}

fn recall(reciprocals: &[f64]) -> f64 {
    mean(&reciprocals.iter().map(|rank| f64::from(u8::from(0.2 <= *rank))).collect::<Vec<_>>())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / count(values.len())
}

fn count(number: usize) -> f64 {
    u32::try_from(number).unwrap().into()
}
