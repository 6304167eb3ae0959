//! Finds the nearest known word, for messages about unknown ones.

use std::cmp::Reverse;

/// Counts the edits that turn `a` into `b` (Levenshtein distance).
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

/// Returns the known word nearest to `word`, if at most every second letter differs. Among equally near ones the one
/// with the longest common beginning is returned.
pub(crate) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = word.chars().count().div_ceil(2);
    let beginning = |known: &str| known.chars().zip(word.chars()).take_while(|(a, b)| a == b).count();
    known
        .map(|known| (edits(word, known), Reverse(beginning(known)), known))
        .filter(|(edits, ..)| *edits <= limit)
        .min()
        .map(|(.., known)| known)
}

/// Adds the nearest known key to serde's "unknown field `x`, expected one of `a`, `b`".
pub(crate) fn with_nearest(message: &str) -> String {
    let Some((_, rest)) = message.split_once("unknown field `") else { return message.to_owned() };
    let mut words = rest.split('`');
    let found = words.next().unwrap_or_default();
    let known = words.skip(1).step_by(2);
    match nearest(found, known) {
        Some(near) => format!("{message}\nnearest known key: `{near}`"),
        None => message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_key_is_named() {
        let message = "unknown field `promt`, expected one of `name`, `prompt`, `split`";
        assert!(with_nearest(message).ends_with("nearest known key: `prompt`"));
        assert_eq!(nearest("xyzzy", ["name", "prompt"].into_iter()), None);
        assert_eq!(nearest("sum", ["Xsum", "sums"].into_iter()), Some("sums"));
        assert_eq!(edits("kitten", "sitting"), 3);
    }
}
