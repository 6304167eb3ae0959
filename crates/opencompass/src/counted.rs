//! Numbers with their nouns, for people.

/// Returns a number with its noun: `1 item`, `2 items`. `noun` is the singular; its plural ends in `s`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_is_singular() {
        for (count, expected) in [(0, "0 items"), (1, "1 item"), (2, "2 items")] {
            assert_eq!(counted(count, "item"), expected);
        }
    }
}
