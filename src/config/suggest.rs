//! "Did you mean": the known name nearest to a misspelt one. Does not know which names exist.

/// The candidate nearest to `wrong`, if one is near enough to be meant: at most a third of the
/// letters differ (at least one may), or one name begins with the other.
pub(super) fn nearest<'a>(wrong: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wrong = wrong.to_lowercase();
    candidates
        .filter_map(|candidate| {
            let known = candidate.to_lowercase();
            let distance = distance(&wrong, &known);
            let allowed = (wrong.chars().count().max(known.chars().count()) / 3).max(1);
            let begins = wrong.len() >= SHORTEST_BEGINNING && known.starts_with(&wrong)
                || known.len() >= SHORTEST_BEGINNING && wrong.starts_with(&known);
            (distance <= allowed || begins).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A beginning shorter than this says too little (letters).
const SHORTEST_BEGINNING: usize = 4;

/// Edit distance in which a swap of two neighbours counts once (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    let mut last_left = None;
    for (row, l) in left.chars().enumerate() {
        let mut current = vec![row + 1];
        for (column, r) in right.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let substitute = at(&previous, column) + usize::from(l != *r);
            let mut best = substitute.min(at(&previous, column + 1) + 1).min(at(&current, column) + 1);
            let last_right = column.checked_sub(1).and_then(|index| right.get(index));
            if last_left == Some(*r) && last_right == Some(&l) && column > 0 {
                best = best.min(at(&before, column - 1) + 1);
            }
            current.push(best);
        }
        before = std::mem::replace(&mut previous, current);
        last_left = Some(l);
    }
    previous.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("interval", "interval", 0),
            ("intervall", "interval", 1),
            ("itnerval", "interval", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn nearest_is_near_or_nothing() {
        let known = ["interval", "fast_interval", "token_file", "fall", "url"];
        for (wrong, expected) in [
            ("intervall", Some("interval")),
            ("Interval", Some("interval")),
            ("token", Some("token_file")),
            ("fal", Some("fall")),
            ("uri", Some("url")),
            ("banana", None),
            ("", None),
        ] {
            assert_eq!(nearest(wrong, known.into_iter()), expected, "{wrong}");
        }
    }
}
