//! Shingles: the set of word 5-grams by which near duplicates are compared.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use xxhash_rust::xxh3::xxh3_64;

use crate::filter::is_punctuation;

/// The units of a text after datatrove's normalization, which is in this order: lower case, numbers to `0`,
/// punctuation to space, white space collapsed, NFD without marks. Units are words; in scripts without
/// spaces (Han, kana, Thai, Lao, Khmer) characters.
#[must_use]
pub fn normalize_for_shingles(text: &str) -> Vec<String> {
    let mut units = vec![String::new()];
    let mut in_number = false;
    for c in text.chars().flat_map(char::to_lowercase) {
        let digit = c.is_numeric();
        let character = if digit { '0' } else { c };
        // A number is one `0` however long it is.
        let repeated = digit && in_number;
        in_number = digit;
        if character.is_whitespace() || is_punctuation(character) {
            units.push(String::new());
        } else if !repeated {
            let alone = is_unspaced(character);
            if alone {
                units.push(String::new());
            }
            let decomposed = std::iter::once(character).nfd().filter(|c| !is_combining_mark(*c));
            units.last_mut().expect("never empty").extend(decomposed);
            if alone {
                units.push(String::new());
            }
        }
    }
    units.retain(|unit| !unit.is_empty());
    units
}

fn is_unspaced(c: char) -> bool {
    matches!(c,
        '\u{0e00}'..='\u{0eff}' | '\u{1780}'..='\u{17ff}' | '\u{3040}'..='\u{30ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}')
}

/// Hashes (xxh3, 64 bits) of the distinct `n`-grams of a text, sorted. A text of fewer than `n` units is one
/// shingle.
#[must_use]
pub fn shingles(text: &str, n: usize) -> Vec<u64> {
    let units = normalize_for_shingles(text);
    let windows = units.windows(n.clamp(1, units.len().max(1)));
    let mut hashes: Vec<u64> = windows.map(|window| xxh3_64(window.join(" ").as_bytes())).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// Size of the intersection over size of the union of two sorted sets; 1 for two empty ones.
#[must_use]
pub fn jaccard(a: &[u64], b: &[u64]) -> f64 {
    let (mut i, mut j, mut both) = (0, 0, 0_usize);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                both += 1;
                i += 1;
                j += 1;
            }
        }
    }
    let union = a.len() + b.len() - both;
    if union == 0 { 1.0 } else { both as f64 / union as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalization_is_datatroves() {
        assert_eq!(normalize_for_shingles("Café, 1234 Ärger!  don't"), ["cafe", "0", "arger", "don", "t"]);
        assert_eq!(normalize_for_shingles("今天 ok"), ["今", "天", "ok"]);
    }

    #[test]
    fn short_texts_are_one_shingle() {
        assert_eq!(shingles("one two", 5).len(), 1);
        assert_eq!(shingles("", 5).len(), 0);
        assert_eq!(shingles("a b c d e f", 5).len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn jaccard_is_that_of_sets(
            a in proptest::collection::btree_set(0_u64..12, 0..10),
            b in proptest::collection::btree_set(0_u64..12, 0..10),
        ) {
            let (x, y): (Vec<u64>, Vec<u64>) = (a.iter().copied().collect(), b.iter().copied().collect());
            let union = a.union(&b).count();
            let expected = if union == 0 { 1.0 } else { a.intersection(&b).count() as f64 / union as f64 };
            proptest::prop_assert_eq!(jaccard(&x, &y), expected);
            proptest::prop_assert_eq!(jaccard(&y, &x), expected);
        }

        /// Case, punctuation and the width of white space do not change the shingles.
        #[test]
        fn shingles_ignore_what_normalization_removes(words in proptest::collection::vec("[a-z]{1,6}", 1..20)) {
            let plain = shingles(&words.join(" "), 3);
            proptest::prop_assert!(plain.is_sorted_by(|a, b| a < b));
            proptest::prop_assert!(plain.len() <= words.len().saturating_sub(2).max(1));
            proptest::prop_assert_eq!(shingles(&words.join(" -- \n").to_uppercase(), 3), plain);
        }
    }

    #[test]
    fn jaccard_of_sets() {
        assert_eq!(jaccard(&[1, 2, 3], &[2, 3, 4]), 0.5);
        assert_eq!(jaccard(&[], &[]), 1.0);
        assert_eq!(jaccard(&[1], &[]), 0.0);
    }
}
