//! Distances between texts in letters: Levenshtein, and the ratio of `fuzzywuzzy`.

use super::lcs;

/// Returns the smallest number of inserted, deleted and replaced letters that turns one text into the other.
pub(in crate::score) fn distance(one: &[char], other: &[char]) -> usize {
    let (long, short) = if one.len() < other.len() { (other, one) } else { (one, other) };
    let mut row: Vec<usize> = (0..=short.len()).collect();
    for (i, left) in long.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in short.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(left != right)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[short.len()]
}

/// Returns the distance of two texts.
pub(in crate::score) fn text_distance(one: &str, other: &str) -> usize {
    distance(&letters(one), &letters(other))
}

/// Returns the letters of a text.
pub(in crate::score) fn letters(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// `fuzz.ratio` of fuzzywuzzy with python-Levenshtein: 0 to 100, rounded to a whole number.
pub(in crate::score) fn fuzz_ratio(one: &str, other: &str) -> f64 {
    if one == other {
        return 100.0;
    }
    let (one, other) = (letters(one), letters(other));
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    let both = one.len() + other.len();
    // Insertions and deletions only.
    let distance = both - 2 * lcs::length(&one, &other);
    (100.0 * (1.0 - distance as f64 / both as f64)).round_ties_even()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_counted_in_letters() {
        for (one, other, expected) in
            [("", "", 0), ("", "abc", 3), ("kitten", "sitting", 3), ("你好", "您好", 1)]
        {
            assert_eq!(text_distance(one, other), expected, "{one} {other}");
            assert_eq!(text_distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn the_ratio_is_a_whole_number() {
        for (one, other, ratio) in
            [("", "", 100.0), ("a", "", 0.0), ("this is a test", "this is a test!", 97.0), ("ab", "ba", 50.0)]
        {
            assert_eq!(fuzz_ratio(one, other), ratio, "{one} {other}");
        }
    }
}
