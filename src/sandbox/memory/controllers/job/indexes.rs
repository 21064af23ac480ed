//! Sets of completion indexes, written as `0-2,5` (`indexed_job_utils.go`).

use std::fmt;

use k8s_openapi::api::core::v1::Pod;

pub(super) const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Indexes in ranges, both ends included, in order and apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes(Vec<(i32, i32)>);

impl Indexes {
    /// Those below `completions`; what is not understood is left out.
    pub(super) fn parse(text: &str, completions: i32) -> Self {
        let mut indexes = Indexes::default();
        for range in text.split(',').filter(|range| !range.is_empty()) {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (Ok(first), Ok(last)) = (first.parse::<i32>(), last.parse::<i32>()) else {
                continue;
            };
            if first >= completions {
                break;
            }
            indexes.0.push((first, last.min(completions - 1)));
        }
        indexes.0.sort_unstable();
        indexes.normal()
    }

    fn normal(self) -> Self {
        let mut merged: Vec<(i32, i32)> = Vec::with_capacity(self.0.len());
        for (first, last) in self.0 {
            match merged.last_mut() {
                Some(before) if first <= before.1.saturating_add(1) => {
                    before.1 = before.1.max(last)
                }
                _ => merged.push((first, last)),
            }
        }
        Indexes(merged)
    }

    /// Those of both.
    pub(super) fn union(&self, other: &Indexes) -> Self {
        let mut all: Vec<(i32, i32)> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        Indexes(all).normal()
    }

    /// These and some more.
    pub(super) fn with(&self, more: impl IntoIterator<Item = i32>) -> Self {
        let mut more: Vec<(i32, i32)> = more.into_iter().map(|index| (index, index)).collect();
        more.sort_unstable();
        self.union(&Indexes(more).normal())
    }

    pub(super) fn has(&self, index: i32) -> bool {
        let at = self.0.partition_point(|(_, last)| *last < index);
        self.0.get(at).is_some_and(|(first, _)| *first <= index)
    }

    /// How many there are.
    pub(super) fn total(&self) -> i32 {
        self.0.iter().map(|(first, last)| last - first + 1).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are in both.
    pub(super) fn common(&self, other: &Indexes) -> i32 {
        let (mut one, mut two, mut common) = (0, 0, 0);
        while let (Some(a), Some(b)) = (self.0.get(one), other.0.get(two)) {
            common += (a.1.min(b.1) - a.0.max(b.0) + 1).max(0);
            if a.1 <= b.1 {
                one += 1;
            }
            if b.1 <= a.1 {
                two += 1;
            }
        }
        common
    }

    /// The first `count` below `completions` that are not here.
    pub(super) fn missing(&self, count: usize, completions: i32) -> Vec<i32> {
        let mut missing = Vec::new();
        let mut candidate = 0;
        let end = [(completions, completions)];
        for (first, last) in self.0.iter().chain(&end) {
            while candidate < *first && candidate < completions && missing.len() < count {
                missing.push(candidate);
                candidate += 1;
            }
            candidate = candidate.max(last.saturating_add(1));
        }
        missing
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (first, last)) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            match last - first {
                0 => write!(f, "{comma}{first}")?,
                1 => write!(f, "{comma}{first},{last}")?,
                _ => write!(f, "{comma}{first}-{last}")?,
            }
        }
        Ok(())
    }
}

/// A pod's index.
pub(super) fn index(pod: &Pod) -> Option<i32> {
    let text = pod.metadata.annotations.as_ref()?.get(INDEX)?;
    text.parse().ok().filter(|index| *index >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_and_written() {
        for (text, completions, wanted) in [
            ("", 5, ""),
            ("0-2,5", 9, "0-2,5"),
            ("0,1", 9, "0,1"),
            ("0,1,2", 9, "0-2"),
            ("1-7", 5, "1-4"),
            ("3,9", 5, "3"),
            ("x,2", 5, "2"),
        ] {
            let indexes = Indexes::parse(text, completions);
            assert_eq!(indexes.to_string(), wanted, "{text}");
        }
    }

    #[test]
    fn sets_are_joined_and_searched() {
        let some = Indexes::parse("1-3,7", 10);
        assert_eq!(some.with([0, 5, 6]).to_string(), "0-3,5-7");
        assert_eq!(some.total(), 4);
        assert!(some.has(3) && some.has(7) && !some.has(0) && !some.has(4) && !some.has(8));
        assert_eq!(some.missing(3, 10), [0, 4, 5]);
        assert_eq!(some.missing(9, 9), [0, 4, 5, 6, 8]);
        assert_eq!(some.common(&Indexes::parse("0-2,7-9", 10)), 3);
        assert_eq!(Indexes::default().missing(2, 1), [0]);
    }
}
