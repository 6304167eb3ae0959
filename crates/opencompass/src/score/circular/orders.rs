//! The orders of options.

/// Says whether `pattern` is the options `keys` in their own order, from some option on.
pub(super) fn is_rotation(keys: &[String], pattern: &[String]) -> bool {
    keys.len() == pattern.len()
        && (0..keys.len()).any(|place| keys[place..].iter().chain(&keys[..place]).eq(pattern))
}

/// Says whether `pattern` has exactly the options `keys`, in any order.
pub(super) fn is_permutation(keys: &[String], pattern: &[String]) -> bool {
    let sorted = |list: &[String]| {
        let mut list: Vec<String> = list.to_vec();
        list.sort_unstable();
        list
    };
    sorted(keys) == sorted(pattern)
}

/// The number of orders of `count` options; the largest number if it is too large.
pub(super) fn permutations(count: usize) -> usize {
    (1..=count).fold(1, usize::saturating_mul)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotations_and_permutations_are_told_apart() {
        let list = |text: &str| text.chars().map(String::from).collect::<Vec<String>>();
        for (pattern, rotation, permutation) in [
            ("ABC", true, true),
            ("BCA", true, true),
            ("ACB", false, true),
            ("ABD", false, false),
            ("AB", false, false),
        ] {
            let found =
                (is_rotation(&list("ABC"), &list(pattern)), is_permutation(&list("ABC"), &list(pattern)));
            assert_eq!(found, (rotation, permutation), "{pattern}");
        }
        assert_eq!([permutations(0), permutations(4), permutations(30)], [1, 24, usize::MAX]);
    }
}
