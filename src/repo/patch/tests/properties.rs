//! Diffs of random files, as libgit2 makes them: applied to the file that they were made of, to
//! others, and with prefixes missing.

use std::path::Path;

use git2::DiffOptions;

use super::*;

/// Of different files.
const PAIRS: u64 = 100_000;

/// Lines that are easily confused: with each other, with parts of a patch, and with text.
const LINES: &[&[u8]] = &[
    b"",
    b"a",
    b"b",
    b"b",
    b"c",
    b" a",
    b"-a",
    b"+a",
    b"-- a",
    b"++ b",
    b"@@ -1 +1 @@",
    b"diff --git a/x b/x",
    b"\\ No newline at end of file",
    b"\r",
    b"a\rb",
    b"\xc3\xa9",
    b"\xc3",
    b"\xff\xfe",
    b"\0",
];

/// Steele's and Vigna's `SplitMix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `limit`.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn line(&mut self) -> &'static [u8] {
        LINES[self.below(LINES.len())]
    }
}

/// A file: its lines without ends, how they end, and whether the last one does.
#[derive(Clone)]
struct File {
    lines: Vec<(&'static [u8], &'static [u8])>,
    is_ended: bool,
    ends: &'static [&'static [u8]],
}

impl File {
    fn random(random: &mut Random) -> Self {
        let ends: &[&[u8]] = match random.below(4) {
            0 | 1 => &[b"\n"],
            2 => &[b"\r\n"],
            _ => &[b"\n", b"\r\n"],
        };
        let mut file = Self { lines: Vec::new(), is_ended: !random.one_in(4), ends };
        for _ in 0..random.below(12) {
            file.insert(random);
        }
        file
    }

    fn insert(&mut self, random: &mut Random) {
        let place = random.below(self.lines.len() + 1);
        let end = self.ends[random.below(self.ends.len())];
        self.lines.insert(place, (random.line(), end));
    }

    /// The file after a few changes.
    fn changed(&self, random: &mut Random, most: usize) -> Self {
        let mut file = self.clone();
        for _ in 0..=random.below(most) {
            match random.below(4) {
                _ if file.lines.is_empty() => file.insert(random),
                0 | 1 => file.insert(random),
                2 => drop(file.lines.remove(random.below(file.lines.len()))),
                _ => {
                    let place = random.below(file.lines.len());
                    file.lines[place].0 = random.line();
                }
            }
        }
        file.is_ended ^= random.one_in(8);
        file
    }

    fn ending_in(&self, end: &'static [u8]) -> Self {
        let lines = self.lines.iter().map(|(line, _)| (*line, end)).collect();
        Self { lines, is_ended: self.is_ended, ends: &[b"\n"] }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            self.lines.iter().flat_map(|(line, end)| [*line, *end]).flatten().copied().collect();
        if !self.is_ended && bytes.ends_with(b"\n") {
            bytes.pop();
        }
        bytes
    }
}

/// A file, what became of it, and their diff by libgit2.
struct Pair {
    old: Vec<u8>,
    new: Vec<u8>,
    text: Vec<u8>,
    /// Old and new place and number of lines of each hunk.
    hunks: Vec<[(usize, usize); 2]>,
}

impl Pair {
    fn of(old: Vec<u8>, new: Vec<u8>, context: u32) -> Self {
        let path = Path::new(PATH);
        let mut options = DiffOptions::new();
        options.context_lines(context).force_text(true);
        let mut diff =
            git2::Patch::from_buffers(&old, Some(path), &new, Some(path), Some(&mut options))
                .unwrap();
        let range = |first: u32, count: u32| {
            let before = if count == 0 { first } else { first - 1 };
            (usize::try_from(before).unwrap(), usize::try_from(count).unwrap())
        };
        let hunks = (0..diff.num_hunks())
            .map(|number| {
                let hunk = diff.hunk(number).unwrap().0;
                [
                    range(hunk.old_start(), hunk.old_lines()),
                    range(hunk.new_start(), hunk.new_lines()),
                ]
            })
            .collect();
        let text = diff.to_buf().unwrap().to_vec();
        drop(diff);
        Self { old, new, text, hunks }
    }

    /// What the diff has to make of another file: where that is as the old one wherever the hunks
    /// are, it becomes as the new one there. Nothing if it is not.
    fn expected(&self, other: &[u8]) -> Option<Vec<u8>> {
        if self.old.is_empty() && self.says(b"\n--- /dev/null\n") && !other.is_empty() {
            return None;
        }
        let mut old = lines(&self.old);
        let mut new = lines(&self.new);
        let there = lines(other);
        if self.is_read_as_crlf(&old, &new, &there) {
            [&mut old, &mut new].into_iter().flatten().for_each(end_in_crlf);
        }
        let mut result: Vec<&[u8]> = Vec::new();
        let mut passed = 0;
        for [(old_before, old_count), (new_before, new_count)] in self.hunks.iter().copied() {
            let touched = old_before..old_before + old_count;
            if there.get(touched.clone())? != &old[touched.clone()] {
                return None;
            }
            result.extend(there[passed..old_before].iter().map(Vec::as_slice));
            result.extend(new[new_before..new_before + new_count].iter().map(Vec::as_slice));
            passed = touched.end;
        }
        result.extend(there[passed..].iter().map(Vec::as_slice));
        let (_, before_the_last) = result.split_last().unwrap_or((&b"".as_slice(), &[]));
        let is_file = before_the_last.iter().all(|line| line.ends_with(b"\n"));
        let is_gone = self.says(b"\n+++ /dev/null\n");
        (is_file && (!is_gone || result.is_empty())).then(|| result.concat())
    }

    fn is_read_as_crlf(&self, old: &[Vec<u8>], new: &[Vec<u8>], there: &[Vec<u8>]) -> bool {
        let in_hunks: Vec<&[Vec<u8>]> = self
            .hunks
            .iter()
            .flat_map(|[(old_before, old_count), (new_before, new_count)]| {
                [
                    &old[*old_before..old_before + old_count],
                    &new[*new_before..new_before + new_count],
                ]
            })
            .collect();
        let is_crlf = |line: &Vec<u8>| line.ends_with(b"\r\n");
        let is_ended = |line: &&Vec<u8>| line.ends_with(b"\n");
        let has_return = |line: &Vec<u8>| line.strip_suffix(b"\n").unwrap_or(line).ends_with(b"\r");
        in_hunks.iter().step_by(2).copied().flatten().any(|line| is_ended(&line))
            && !in_hunks.iter().copied().flatten().any(has_return)
            && there.iter().any(is_crlf)
            && there.iter().filter(is_ended).all(is_crlf)
    }

    fn says(&self, text: &[u8]) -> bool {
        memchr::memmem::find(&self.text, text).is_some()
    }

    /// The diff with prefixes of additions missing, where what follows cannot be taken for one, and
    /// how many.
    fn without_some_prefixes(&self, random: &mut Random) -> (Vec<u8>, usize) {
        let mut text = Vec::new();
        let mut is_in_hunk = false;
        let mut missing = 0;
        for line in lines(&self.text) {
            is_in_hunk |= line.starts_with(b"@@");
            let takes_it = line.starts_with(b"+") && !b" +-@\\d".contains(&line[1]);
            if is_in_hunk && takes_it && random.one_in(2) {
                text.extend_from_slice(&line[1..]);
                missing += 1;
            } else {
                text.extend_from_slice(&line);
            }
        }
        (text, missing)
    }
}

fn lines(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn end_in_crlf(line: &mut Vec<u8>) {
    if line.pop_if(|last| *last == b'\n').is_some() {
        line.extend_from_slice(b"\r\n");
    }
}

fn content(base: &[u8], text: &[u8]) -> Result<Applied, PatchError> {
    Patch::parse(text, PATH)?.apply(Some(base))
}

fn bytes(content: Content) -> Vec<u8> {
    match content {
        Content::Holds(bytes) => bytes,
        Content::Gone => Vec::new(),
    }
}

/// Another file to apply the diff of `old` and `new` to.
fn other(old: &File, new: &File, random: &mut Random) -> Vec<u8> {
    match random.below(6) {
        0..=2 => old.changed(random, 2),
        3 => new.clone(),
        4 => old.ending_in(if random.one_in(2) { b"\r\n" } else { b"\n" }),
        _ => File::random(random),
    }
    .bytes()
}

#[test]
fn a_diff_makes_of_the_old_file_the_new_one_and_of_another_nothing_else() {
    let (mut pairs, mut fits, mut refusals, mut as_crlf, mut repairs) = (0, 0, 0, 0, 0);
    for seed in 0.. {
        if pairs == PAIRS {
            break;
        }
        let mut random = Random(seed);
        let old = File::random(&mut random);
        let new =
            if random.one_in(8) { File::random(&mut random) } else { old.changed(&mut random, 4) };
        let context = u32::try_from(random.below(5)).unwrap();
        let pair = Pair::of(old.bytes(), new.bytes(), context);
        let shown = || format!("pair {seed}:\n{}", pair.text.escape_ascii());
        if pair.old == pair.new {
            assert!(Patch::parse(&pair.text, PATH).is_err(), "{}", shown());
            continue;
        }
        pairs += 1;
        let applied =
            content(&pair.old, &pair.text).unwrap_or_else(|why| panic!("{why}, {}", shown()));
        assert!(!applied.repaired && !applied.read_as_crlf, "{}", shown());
        assert_eq!(bytes(applied.content), pair.new, "{}", shown());

        let (text, missing) = pair.without_some_prefixes(&mut random);
        let repaired = content(&pair.old, &text).unwrap_or_else(|why| panic!("{why}, {}", shown()));
        assert_eq!(repaired.repaired, 0 < missing, "{}", shown());
        assert_eq!(bytes(repaired.content), pair.new, "{}", shown());
        repairs += missing;

        let other = other(&old, &new, &mut random);
        if other == pair.old {
            continue;
        }
        let result = content(&other, &pair.text);
        match &result {
            Ok(applied) if applied.read_as_crlf => as_crlf += 1,
            Ok(_) => fits += 1,
            Err(_) => refusals += 1,
        }
        let result = result.map(|applied| bytes(applied.content));
        let expected = pair.expected(&other);
        assert_eq!(
            result.as_ref().ok(),
            expected.as_ref(),
            "{}\nto {}: {result:?}",
            shown(),
            other.escape_ascii()
        );
    }
    // Neither of them is rare.
    assert!(10_000 < fits, "{fits}");
    assert!(30_000 < refusals, "{refusals}");
    assert!(1_000 < as_crlf, "{as_crlf}");
    assert!(30_000 < repairs, "{repairs}");
}
