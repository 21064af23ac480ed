//! "Did you mean": the known words nearest to an unknown one.

/// At most so many are worth reading.
const MOST: usize = 3;

/// The candidates nearest to `word`, best first, each once; none where nothing is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let length = word.chars().count();
    let slips = 1 + length / 5;
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let other = lower.chars().count();
            // Too unlike in length to be near in either way. To find that out by comparing them
            // takes minutes where somebody gives a very long word.
            if length.abs_diff(other) > slips && length.min(other) * 5 < length.max(other) * 2 {
                return None;
            }
            let alike = strsim::jaro_winkler(&word, &lower);
            let edits = strsim::damerau_levenshtein(&word, &lower);
            // A slip of the finger or two, or a long common beginning.
            let near = edits <= slips || alike >= 0.88;
            near.then_some((alike, candidate))
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    scored.dedup_by(|a, b| a.1 == b.1);
    scored.truncate(MOST);
    scored.into_iter().map(|(_, candidate)| candidate).collect()
}

/// `Did you mean a, b or c?`, or nothing.
pub fn did_you_mean(near: &[impl AsRef<str>]) -> Option<String> {
    let (last, first) = near.split_last()?;
    let last = last.as_ref();
    if first.is_empty() {
        return Some(format!("Did you mean {last}?"));
    }
    let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
    Some(format!("Did you mean {} or {last}?", first.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_found_and_strangers_are_not() {
        let known = [
            "deployments",
            "daemonsets",
            "pods",
            "services",
            "batch",
            "apps",
        ];
        assert_eq!(nearest("deploments", known), ["deployments"]);
        assert_eq!(nearest("dpeloyments", known), ["deployments"]);
        assert_eq!(nearest("bacth", known), ["batch"]);
        assert_eq!(nearest("Pod", known), ["pods"]);
        assert!(nearest("zebra", known).is_empty());
        assert!(nearest("", known).is_empty());
        assert!(nearest(&"pods".repeat(1_000_000), known).is_empty());
    }

    #[test]
    fn sentences_read_well() {
        assert_eq!(did_you_mean(&["a"]).unwrap(), "Did you mean a?");
        assert_eq!(
            did_you_mean(&["a", "b", "c"]).unwrap(),
            "Did you mean a, b or c?"
        );
        assert_eq!(did_you_mean(&[] as &[&str]), None);
    }
}
