//! Indexes of pods as text, such as `0-3,5` (`validateIndexesFormat`).

/// How many indexes a text names, all below `completions`.
pub(super) fn count(text: &str, completions: i64) -> Result<i64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let mut total = 0;
    let mut last = None;
    for part in text.split(',') {
        let (first, end) = interval(part, completions)?;
        if let Some(last) = last.filter(|last| *last >= first) {
            return Err(format!(
                "non-increasing order, previous: {last}, current: {first}"
            ));
        }
        total += end.saturating_sub(first).saturating_add(1);
        last = Some(end);
    }
    Ok(total)
}

/// What is wrong when the same index has failed and completed; parts that are no indexes are skipped.
pub(super) fn overlap(completed: &str, failed: &str, completions: i64) -> Option<String> {
    let intervals = |text: &str| -> Vec<(i64, i64)> {
        text.split(',')
            .filter_map(|part| interval(part, completions).ok())
            .collect()
    };
    let (completed, failed) = (intervals(completed), intervals(failed));
    let (mut at_completed, mut at_failed) = (0, 0);
    while let (Some(done), Some(lost)) = (completed.get(at_completed), failed.get(at_failed)) {
        if done.0 <= lost.1 && lost.0 <= done.1 {
            let index = done.0.max(lost.0);
            return Some(format!(
                "failedIndexes and completedIndexes overlap at index: {index}"
            ));
        }
        if done.0 <= lost.0 {
            at_completed += 1;
        } else {
            at_failed += 1;
        }
    }
    None
}

fn interval(part: &str, completions: i64) -> Result<(i64, i64), String> {
    let (first, end) = match part.split_once('-') {
        Some((_, end)) if end.contains('-') => {
            return Err(format!(
                "the fragment {part:?} violates the requirement that an index interval can have at \
                 most two parts separated by '-'"
            ));
        }
        Some((first, end)) => (index(first, completions)?, Some(end)),
        None => (index(part, completions)?, None),
    };
    let Some(end) = end else {
        return Ok((first, first));
    };
    let end = index(end, completions)?;
    if first >= end {
        return Err(format!(
            "non-increasing order, previous: {first}, current: {end}"
        ));
    }
    Ok((first, end))
}

fn index(text: &str, completions: i64) -> Result<i64, String> {
    let index: i64 = text
        .parse()
        .map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
    if index >= completions {
        return Err(format!("too large index: {text:?}"));
    }
    Ok(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_in_order() {
        let cases: &[(&str, Result<i64, &str>)] = &[
            ("", Ok(0)),
            ("0-2,4", Ok(4)),
            ("1,1", Err("non-increasing order, previous: 1, current: 1")),
            ("3-2", Err("non-increasing order, previous: 3, current: 2")),
            (
                "a",
                Err("cannot convert string to integer for index: \"a\""),
            ),
            ("5", Err("too large index: \"5\"")),
            ("0-5", Err("too large index: \"5\"")),
            (
                "0-1-2",
                Err(
                    "the fragment \"0-1-2\" violates the requirement that an index interval can \
                     have at most two parts separated by '-'",
                ),
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(count(text, 5), expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn finds_overlaps() {
        let words = "failedIndexes and completedIndexes overlap at index: 4";
        assert_eq!(overlap("0-1,3-4", "2,4", 9), Some(words.to_owned()));
        assert_eq!(overlap("0-1,3-4", "2,5", 9), None);
        assert_eq!(overlap("", "2", 9), None);
    }
}
