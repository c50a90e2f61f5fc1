//! How fast the search is.
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use lukhas_mcp::clock::SystemClock;
use lukhas_mcp::repo::RepoPath;
use lukhas_mcp::repo::root::{OwnFiles, Root};
use lukhas_mcp::repo::search::{Index, IndexSettings, Phase, Query};
use lukhas_mcp::supervision::Supervision;

fn rss() -> String {
    std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .filter(|l| ["VmRSS", "VmHWM", "RssAnon", "RssFile"].iter().any(|k| l.starts_with(k)))
        .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}

fn main() {
    tracing_subscriber::fmt().init();
    let args: Vec<String> = std::env::args().collect();
    let (dir, shelf) = (args[1].clone(), args[2].clone());
    let queries: Vec<String> =
        std::fs::read_to_string(&args[3]).unwrap().lines().map(str::to_owned).collect();
    System::new().block_on(async move {
        let root = Arc::new(Root::open(dir.as_ref(), &OwnFiles::default()).unwrap());
        println!("before {}", rss());
        let t = Instant::now();
        let index = Index::start(IndexSettings {
            root,
            directory: shelf.into(),
            clock: Arc::new(SystemClock),
            supervision: Supervision::new(Default::default()),
            on_end: Box::new(|e| println!("{e:?}")),
        });
        while index.state().phase != Phase::Ready {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("ready {:?} {:?} {}", t.elapsed(), index.state(), rss());
        while index.state().segments > 8 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        println!("merged {:?} {:?} {}", t.elapsed(), index.state(), rss());
        if args.len() > 4 {
            for q in &queries {
                let t = Instant::now();
                match Query::parse(q) {
                    Ok(query) => {
                        let f = index.search(query, 5).await.unwrap();
                        println!(
                            "\n=== {q}   {:?} {:?} {}",
                            t.elapsed(),
                            f.answered_by,
                            f.is_complete
                        );
                        for h in f.hits {
                            println!(
                                "  {:.2} {}:{:?}  {}",
                                h.score,
                                h.path,
                                h.line,
                                h.snippet.lines().next().unwrap_or("")
                            );
                        }
                    }
                    Err(e) => println!("{q}: {e}"),
                }
            }
            return;
        }
        for round in 0..2 {
            let mut kinds: std::collections::BTreeMap<String, Vec<(Duration, String)>> =
                Default::default();
            for q in &queries {
                let (kind, text) = q.split_once('\t').unwrap();
                let query = Query::parse(text).unwrap();
                let t = Instant::now();
                let found = index.search(query, 10).await.unwrap();
                let e = t.elapsed();
                kinds
                    .entry(kind.to_owned())
                    .or_default()
                    .push((e, format!("{text} {} {}", found.hits.len(), found.is_complete)));
                kinds.entry("~all".to_owned()).or_default().push((e, text.to_owned()));
            }
            for (kind, mut l) in kinds {
                l.sort();
                println!(
                    "{round} {kind:12} n {:4} p50 {:?} p99 {:?} max {:?} {}",
                    l.len(),
                    l[l.len() / 2].0,
                    l[l.len() * 99 / 100].0,
                    l[l.len() - 1].0,
                    l[l.len() - 1].1
                );
            }
        }
        println!("after {}", rss());
        let file = format!("{dir}/fresh-file.md");
        let mut l = vec![];
        for i in 0..20 {
            std::fs::write(&file, format!("freshness marker zanzibar{i}x\n")).unwrap();
            let t = Instant::now();
            loop {
                let f =
                    index.search(Query::parse(&format!("zanzibar{i}x")).unwrap(), 3).await.unwrap();
                if f.hits.iter().any(|h| h.path.as_str() == "fresh-file.md") {
                    break;
                }
                assert!(t.elapsed() < Duration::from_secs(20));
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            l.push(t.elapsed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        l.sort();
        println!("fresh p50 {:?} max {:?}", l[10], l[19]);
        let mut l = vec![];
        for i in 0..20 {
            std::fs::write(&file, format!("own marker quetzal{i}x\n")).unwrap();
            let t = Instant::now();
            index.changed(vec![RepoPath::parse("fresh-file.md").unwrap()]);
            let f = index.search(Query::parse(&format!("quetzal{i}x")).unwrap(), 3).await.unwrap();
            assert!(f.hits.len() == 1);
            l.push(t.elapsed());
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        l.sort();
        println!("own p50 {:?} max {:?} {}", l[10], l[19], rss());
        std::fs::remove_file(&file).unwrap();
        drop(index);
    });
}
