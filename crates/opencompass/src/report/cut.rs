//! Cuts texts that are too long, and finds the repetitions of a model that does not stop.

/// Number of times in a row after which a part of a text counts as a repetition.
const REPEATS: usize = 4;
/// Maximum length of a repeated part in characters.
const LONGEST_REPEATED: usize = 200;
/// Minimum length of all repetitions together in characters.
const SHORTEST_REPETITION: usize = 40;

/// Cuts the middle out of a text that is too long; beginning and end say most.
pub(super) fn cut(text: &str, length: usize) -> String {
    // A character has at least one byte, so short texts need no count.
    if text.len() <= length {
        return text.to_owned();
    }
    let count = text.chars().count();
    if count <= length {
        return text.to_owned();
    }
    let half = length / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count - half).collect();
    format!("{head} […{} characters…] {tail}", count - 2 * half)
}

/// Says whether a text ends with a part that is repeated over and over, the usual failure of a small model.
pub(super) fn repeats(text: &str) -> bool {
    let tail: Vec<char> = text.trim_end().chars().rev().take(LONGEST_REPEATED * REPEATS).collect();
    (1..=LONGEST_REPEATED).any(|length| {
        let whole = length * REPEATS.max(SHORTEST_REPETITION.div_ceil(length));
        tail.len() >= whole && (length..whole).all(|place| tail[place] == tail[place - length])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_texts_keep_both_ends() {
        assert_eq!(cut("kurz", 10), "kurz");
        assert_eq!(cut("aaaaäääbbbb", 8), "aaaa […3 characters…] bbbb");
    }

    #[test]
    fn repetitions_at_the_end_are_found() {
        for (text, expected) in [
            ("Well. ".to_owned() + &"I do not know. ".repeat(6), true),
            ("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17".to_owned(), false),
            ("hm".repeat(3), false),
            ("!".repeat(60), true),
            (String::new(), false),
        ] {
            assert_eq!(repeats(&text), expected, "{text}");
        }
    }
}
