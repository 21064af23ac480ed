//! Unified diffs as go-difflib makes them, which follows Python's `difflib`: the longest block of
//! equal lines first, then what is left and right of it.

use std::collections::HashMap;

const CONTEXT: usize = 3;
/// Beyond it, lines that are equal at both ends are left out of the search.
const SEARCHED: usize = 5_000;
/// Beyond it, what is between is shown as removed and added as a whole.
const TOO_MANY: usize = 50_000;

/// Lines `a..a + size` of the old text are lines `b..b + size` of the new one.
#[derive(Clone, Copy)]
struct Block {
    a: usize,
    b: usize,
    size: usize,
}

/// Both texts in hunks with three lines around each; empty where they are equal.
pub(super) fn unified(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let mut text = String::new();
    for hunk in hunks(&blocks(&old, &new), old.len(), new.len()) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else {
            continue;
        };
        text.push_str(&format!(
            "@@ -{} +{} @@\n",
            range(first.a.0, last.a.1),
            range(first.b.0, last.b.1)
        ));
        for change in &hunk {
            if change.is_equal {
                write_lines(&mut text, ' ', &old[change.a.0..change.a.1]);
            } else {
                write_lines(&mut text, '-', &old[change.a.0..change.a.1]);
                write_lines(&mut text, '+', &new[change.b.0..change.b.1]);
            }
        }
    }
    text
}

fn write_lines(text: &mut String, mark: char, lines: &[&str]) {
    for line in lines {
        text.push(mark);
        text.push_str(line);
        text.push('\n');
    }
}

fn range(start: usize, end: usize) -> String {
    match end - start {
        0 => format!("{start},0"),
        1 => format!("{}", start + 1),
        length => format!("{},{length}", start + 1),
    }
}

/// Lines `a` of the old text became lines `b` of the new one.
#[derive(Clone, Copy)]
struct Change {
    is_equal: bool,
    a: (usize, usize),
    b: (usize, usize),
}

fn hunks(blocks: &[Block], old: usize, new: usize) -> Vec<Vec<Change>> {
    let mut hunks = Vec::new();
    let mut hunk: Vec<Change> = Vec::new();
    let (mut a, mut b) = (0, 0);
    let end = Block {
        a: old,
        b: new,
        size: 0,
    };
    for block in blocks.iter().chain([&end]) {
        if a < block.a || b < block.b {
            hunk.push(Change {
                is_equal: false,
                a: (a, block.a),
                b: (b, block.b),
            });
        }
        let (next_a, next_b) = (block.a + block.size, block.b + block.size);
        let is_last = next_a == old && next_b == new;
        let after = if hunk.is_empty() {
            0
        } else {
            block.size.min(CONTEXT)
        };
        let before = if is_last { 0 } else { block.size.min(CONTEXT) };
        let equal = |from: usize, to: usize| Change {
            is_equal: true,
            a: (block.a + from, block.a + to),
            b: (block.b + from, block.b + to),
        };
        if block.size > after + before || hunk.is_empty() {
            if after > 0 {
                hunk.push(equal(0, after));
            }
            if !hunk.is_empty() {
                hunks.push(std::mem::take(&mut hunk));
            }
            if before > 0 {
                hunk.push(equal(block.size - before, block.size));
            }
        } else if block.size > 0 {
            hunk.push(equal(0, block.size));
        }
        (a, b) = (next_a, next_b);
    }
    if hunk.iter().any(|change| !change.is_equal) {
        hunks.push(hunk);
    }
    hunks
}

fn blocks(old: &[&str], new: &[&str]) -> Vec<Block> {
    let (mut head, mut tail) = (0, 0);
    if old.len().max(new.len()) > SEARCHED {
        head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
        let rest = old.len().min(new.len()) - head;
        let ends = old.iter().rev().zip(new.iter().rev()).take(rest);
        tail = ends.take_while(|(a, b)| a == b).count();
    }
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut all = Vec::new();
    if head > 0 {
        all.push(Block {
            a: 0,
            b: 0,
            size: head,
        });
    }
    if a.len().max(b.len()) <= TOO_MANY {
        let found = matching(a, b).into_iter();
        all.extend(found.map(|block| Block {
            a: block.a + head,
            b: block.b + head,
            ..block
        }));
    }
    if tail > 0 {
        all.push(Block {
            a: old.len() - tail,
            b: new.len() - tail,
            size: tail,
        });
    }
    let mut merged: Vec<Block> = Vec::new();
    for block in all {
        match merged.last_mut() {
            Some(last) if last.a + last.size == block.a && last.b + last.size == block.b => {
                last.size += block.size;
            }
            _ => merged.push(block),
        }
    }
    merged
}

fn matching(a: &[&str], b: &[&str]) -> Vec<Block> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, line) in b.iter().enumerate() {
        places.entry(line).or_default().push(at);
    }
    // In long texts, lines that come often say nothing about what belongs together.
    if b.len() >= 200 {
        let most = b.len() / 100 + 1;
        places.retain(|_, at| at.len() <= most);
    }
    let mut found = Vec::new();
    let mut open = vec![(0, a.len(), 0, b.len())];
    while let Some((a_low, a_high, b_low, b_high)) = open.pop() {
        let block = longest(a, b, &places, (a_low, a_high), (b_low, b_high));
        if block.size == 0 {
            continue;
        }
        if a_low < block.a && b_low < block.b {
            open.push((a_low, block.a, b_low, block.b));
        }
        let (a_end, b_end) = (block.a + block.size, block.b + block.size);
        if a_end < a_high && b_end < b_high {
            open.push((a_end, a_high, b_end, b_high));
        }
        found.push(block);
    }
    found.sort_by_key(|block| (block.a, block.b));
    found
}

fn longest(
    a: &[&str],
    b: &[&str],
    places: &HashMap<&str, Vec<usize>>,
    (a_low, a_high): (usize, usize),
    (b_low, b_high): (usize, usize),
) -> Block {
    let mut best = Block {
        a: a_low,
        b: b_low,
        size: 0,
    };
    // How long the block of equal lines is that ends in each line of `b`.
    let mut lengths: HashMap<usize, usize> = HashMap::new();
    for (at, line) in a.iter().enumerate().take(a_high).skip(a_low) {
        let mut next = HashMap::new();
        let known = places.get(line).map(Vec::as_slice).unwrap_or_default();
        for place in known
            .iter()
            .filter(|place| (b_low..b_high).contains(*place))
        {
            let before = place.checked_sub(1).and_then(|before| lengths.get(&before));
            let size = before.copied().unwrap_or_default() + 1;
            next.insert(*place, size);
            if size > best.size {
                best = Block {
                    a: at + 1 - size,
                    b: place + 1 - size,
                    size,
                };
            }
        }
        lengths = next;
    }
    while best.a > a_low && best.b > b_low && a[best.a - 1] == b[best.b - 1] {
        best = Block {
            a: best.a - 1,
            b: best.b - 1,
            size: best.size + 1,
        };
    }
    let (mut end_a, mut end_b) = (best.a + best.size, best.b + best.size);
    while end_a < a_high && end_b < b_high && a[end_a] == b[end_b] {
        (end_a, end_b) = (end_a + 1, end_b + 1);
    }
    Block {
        size: end_a - best.a,
        ..best
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    fn lines(text: &str) -> String {
        text.chars().map(|c| format!("{c}\n")).collect()
    }

    #[test]
    fn diffs_are_those_of_difflib() {
        // From Python's `difflib.unified_diff` without its first two lines.
        let cases = [
            ("abc", "abc", ""),
            (
                "abcdefgh",
                "abcxefgh",
                "@@ -1,7 +1,7 @@\n a\n b\n c\n-d\n+x\n e\n f\n g\n",
            ),
            ("abc", "abcd", "@@ -1,3 +1,4 @@\n a\n b\n c\n+d\n"),
            ("a", "", "@@ -1 +0,0 @@\n-a\n"),
            ("", "ab", "@@ -0,0 +1,2 @@\n+a\n+b\n"),
            (
                "1abcdefghij2",
                "3abcdefghij4",
                "@@ -1,4 +1,4 @@\n-1\n+3\n a\n b\n c\n@@ -9,4 +9,4 @@\n h\n i\n j\n-2\n+4\n",
            ),
            (
                "1abcdef2",
                "3abcdef4",
                "@@ -1,8 +1,8 @@\n-1\n+3\n a\n b\n c\n d\n e\n f\n-2\n+4\n",
            ),
        ];
        for (old, new, expected) in cases {
            assert_eq!(unified(&lines(old), &lines(new)), expected, "{old} {new}");
        }
    }

    #[test]
    fn long_texts_take_no_time() {
        let old: String = (0..60_000).map(|n| format!("{}\n", n % 7)).collect();
        let (head, tail) = old.split_at(old.len() / 2);
        assert_eq!(
            unified(&old, &format!("{head}x\n{tail}")).lines().count(),
            8
        );
        let other: String = (0..60_000).map(|n| format!("{}\n", n % 11)).collect();
        assert!(!unified(&old, &other).is_empty());
    }
}
