//! [`StopMatcher`]: stop strings across token borders, of which no part is ever shown.

/// Finds the first stop string in a text that comes in pieces, and holds back what may be the start of one.
///
/// The first stop string is the one that is complete first, and of several that are complete with the same character
/// the longest: how the text is cut into pieces makes no difference.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopMatcher {
    stops: Vec<String>,
    held: String,
}

impl StopMatcher {
    /// A matcher for `stops`. Empty strings are left out, because they would stop every text before it began.
    pub(crate) fn new(mut stops: Vec<String>) -> Self {
        stops.retain(|stop| !stop.is_empty());
        Self { stops, held: String::new() }
    }

    /// Takes the next text. Gives the text that certainly comes before any stop string, and whether one is complete.
    pub(crate) fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        let ends = self
            .stops
            .iter()
            .filter_map(|stop| self.held.find(stop).map(|start| (start + stop.len(), start)));
        let (certain, hit) = match ends.min() {
            Some((_, start)) => (start, true),
            None => (self.held.len() - self.uncertain(), false),
        };
        let rest = self.held.split_off(certain);
        let certain = std::mem::replace(&mut self.held, if hit { String::new() } else { rest });
        (certain, hit)
    }

    /// What was held back and turned out to be text.
    pub(crate) fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Number of bytes at the end that are the start of a stop string.
    fn uncertain(&self) -> usize {
        let longest = |stop: &String| {
            let limit = self.held.len().min(stop.len() - 1);
            let fits =
                |length: &usize| stop.is_char_boundary(*length) && self.held.ends_with(&stop[..*length]);
            (1..=limit).rev().find(fits).unwrap_or(0)
        };
        self.stops.iter().map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All text that a matcher lets through, and whether it stopped.
    fn run<'a>(stops: &[String], pieces: impl IntoIterator<Item = &'a str>) -> (String, bool) {
        let mut matcher = StopMatcher::new(stops.to_vec());
        let mut text = String::new();
        for piece in pieces {
            let (certain, hit) = matcher.push(piece);
            text += &certain;
            if hit {
                return (text, true);
            }
        }
        (text + &matcher.finish(), false)
    }

    /// The definition: read character by character until the text ends with a stop string.
    fn plain(stops: &[String], text: &str) -> (String, bool) {
        let ends = text.char_indices().map(|(start, character)| start + character.len_utf8());
        for end in ends {
            let matching =
                stops.iter().filter(|stop| !stop.is_empty() && text[..end].ends_with(stop.as_str()));
            if let Some(longest) = matching.map(String::len).max() {
                return (text[..end - longest].to_owned(), true);
            }
        }
        (text.to_owned(), false)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn any_pieces_give_the_text_before_the_first_complete_stop(
            // A small alphabet, so that stop strings overlap with the text and with each other.
            pieces in prop::collection::vec("[abé]{0,4}", 0..8),
            stops in prop::collection::vec("[abé]{0,4}", 0..4),
        ) {
            let expected = plain(&stops, &pieces.concat());
            prop_assert_eq!(run(&stops, pieces.iter().map(String::as_str)), expected);
        }
    }

    #[test]
    fn the_stop_that_is_complete_first_wins_however_the_text_is_cut() {
        let stops = ["abcd".to_owned(), "bc".to_owned(), "c".to_owned()];
        for pieces in [&["xabcd"][..], &["xa", "bcd"], &["x", "a", "b", "c", "d"]] {
            assert_eq!(run(&stops, pieces.iter().copied()), ("xa".to_owned(), true));
        }
    }

    #[test]
    fn text_that_only_looked_like_a_stop_is_released() {
        let mut matcher = StopMatcher::new(vec!["<end>".to_owned()]);
        assert_eq!(matcher.push("a <en"), ("a ".to_owned(), false));
        assert_eq!(matcher.push("ough"), ("<enough".to_owned(), false));
        assert_eq!(matcher.push("<"), (String::new(), false));
        assert_eq!(matcher.finish(), "<");
    }
}
