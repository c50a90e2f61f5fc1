//! What becomes of an index that is not as it was written.

use std::fs;

use super::*;

/// Starts on what is left of an index, and expects everything to be found all the same.
async fn expect_whole(site: &Site, what: &str) {
    let index = site.ready().await;
    let found = search(&index, "marmot").await;
    assert_eq!(
        (paths(&found), found.answered_by),
        (vec!["a.md", "b/c.md"], AnsweredBy::Index),
        "{what}"
    );
}

fn segments(site: &Site) -> Vec<PathBuf> {
    let entries = fs::read_dir(site.shelf()).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_str().unwrap().contains("segment-")).collect()
}

#[actix::test]
async fn a_damaged_index_is_built_anew() {
    let site = Site::new(&[("a.md", "marmot marmot"), ("b/c.md", "a marmot")]);
    expect_whole(&site, "at first").await;
    let manifest = site.shelf().join("manifest.json");
    let text = fs::read_to_string(&manifest).unwrap();
    let whole = fs::read(&segments(&site)[0]).unwrap();
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&segments(&site)[0], &whole[..cut]).unwrap();
        expect_whole(&site, &format!("cut at {cut}")).await;
    }
    for place in (0..whole.len()).step_by(whole.len() / 7) {
        let mut bytes = fs::read(&segments(&site)[0]).unwrap();
        bytes[place] ^= 0x40;
        fs::write(&segments(&site)[0], bytes).unwrap();
        expect_whole(&site, &format!("another byte at {place}")).await;
    }
    fs::remove_file(&segments(&site)[0]).unwrap();
    expect_whole(&site, "without its segment").await;
    for other in [
        String::new(),
        "{}".to_owned(),
        "\u{0}\u{1}".to_owned(),
        text.replace("\"format\":2", "\"format\":1"),
        text.replace("\"root\":", "\"root\":1"),
        text.replace("segment-", "../segment-"),
    ] {
        fs::write(&manifest, &other).unwrap();
        expect_whole(&site, &other).await;
    }
    fs::write(&manifest, [0xff, 0xfe]).unwrap();
    expect_whole(&site, "a manifest that is no text").await;
}

#[actix::test]
async fn what_a_killed_build_left_is_removed() {
    let site = Site::new(&[("a.md", "marmot marmot"), ("b/c.md", "a marmot")]);
    fs::create_dir(site.shelf()).unwrap();
    for name in ["segment-0", "segment-17", "manifest.json.new"] {
        fs::write(site.shelf().join(name), "half of it").unwrap();
    }
    expect_whole(&site, "after a kill").await;
    assert_eq!(segments(&site).len(), 1);
}

#[actix::test]
async fn an_index_of_another_repository_is_not_used() {
    let site = Site::new(&[("a.md", "marmot marmot"), ("b/c.md", "a marmot")]);
    expect_whole(&site, "at first").await;
    let other = Site::new(&[("z.md", "marmot")]);
    fs::rename(site.shelf(), other.shelf()).unwrap();
    let index = other.ready().await;
    let found = search(&index, "marmot").await;
    assert_eq!(paths(&found), ["z.md"]);
    assert_eq!(index.state().files, 1);
}

#[actix::test]
async fn a_place_that_cannot_be_written_costs_no_answer() {
    let site = Site::new(&[("a.md", "marmot marmot"), ("b/c.md", "a marmot")]);
    fs::write(site.shelf(), "no directory").unwrap();
    expect_whole(&site, "in memory").await;
}

#[actix::test]
async fn until_the_index_is_ready_files_are_searched_directly() {
    let site = Site::new(&[("a.md", "marmot marmot"), ("b/c.md", "a marmot")]);
    let root = site.root();
    for query in ["marmot", "re:mar+mot", "a marmot here", "\"a marmot\"", "path:a.md", "ext:md"] {
        let query = Query::parse(query).unwrap();
        let scanned = scan(&root, &query, 10).unwrap();
        let index = site.ready().await;
        let found = index.search(query, 10).await.unwrap();
        let scanned: Vec<_> = scanned.hits.iter().map(|hit| (&hit.path, hit.line)).collect();
        let found: Vec<_> = found.hits.iter().map(|hit| (&hit.path, hit.line)).collect();
        assert_eq!(scanned, found);
    }
}
