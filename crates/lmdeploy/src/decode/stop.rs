//! [`StopMatcher`]: stop strings across token borders, of which no part is shown unless the request wants it.

/// Finds the first stop string in a text that comes in pieces, and holds back what may be the start of one.
///
/// The first stop string is the one that is complete first, and of several that are complete with the same character
/// the longest: how the text is cut into pieces makes no difference.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopMatcher {
    stops: Vec<String>,
    shown: StopText,
    /// First bytes of the stop strings, as a set of bits: most text has none of them and is not looked at again.
    first: [u64; 4],
    held: String,
    /// Number of the stop string that was found.
    found: Option<usize>,
}

/// Whether the stop string that ends a text is part of it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum StopText {
    /// The text ends before it.
    #[default]
    Hidden,
    /// The text ends with it.
    Shown,
}

impl StopMatcher {
    /// A matcher for `stops`. Empty strings are left out, because they would stop every text before it began.
    pub(crate) fn new(mut stops: Vec<String>, shown: StopText) -> Self {
        stops.retain(|stop| !stop.is_empty());
        let mut first = [0; 4];
        for byte in stops.iter().filter_map(|stop| stop.as_bytes().first()) {
            first[usize::from(byte / 64)] |= 1 << (byte % 64);
        }
        Self { stops, shown, first, held: String::new(), found: None }
    }

    /// Takes the next text. Gives the text that certainly belongs to the answer, and whether a stop string is complete.
    pub(crate) fn push(&mut self, text: &str) -> (String, bool) {
        if self.held.is_empty() && !text.bytes().any(|byte| self.may_start(byte)) {
            return (text.to_owned(), false);
        }
        self.held.push_str(text);
        let ends =
            self.stops.iter().enumerate().filter_map(|(index, stop)| {
                self.held.find(stop).map(|start| (start + stop.len(), start, index))
            });
        let Some((end, start, index)) = ends.min() else {
            let certain = self.held.len() - self.uncertain();
            let rest = self.held.split_off(certain);
            return (std::mem::replace(&mut self.held, rest), false);
        };
        self.found = Some(index);
        self.held.truncate(if self.shown == StopText::Shown { end } else { start });
        (std::mem::take(&mut self.held), true)
    }

    /// The stop string that ended the text.
    pub(crate) fn found(&self) -> Option<&str> {
        self.found.and_then(|index| self.stops.get(index)).map(String::as_str)
    }

    /// Whether a stop string begins with this byte.
    fn may_start(&self, byte: u8) -> bool {
        self.first[usize::from(byte / 64)] & (1 << (byte % 64)) != 0
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
        run_with(stops, StopText::Hidden, pieces).0
    }

    /// The same with or without the stop string, which is there too.
    fn run_with<'a>(
        stops: &[String],
        shown: StopText,
        pieces: impl IntoIterator<Item = &'a str>,
    ) -> ((String, bool), Option<String>) {
        let mut matcher = StopMatcher::new(stops.to_vec(), shown);
        let mut text = String::new();
        for piece in pieces {
            let (certain, hit) = matcher.push(piece);
            text += &certain;
            if hit {
                assert_eq!(matcher.finish(), "", "what follows is not part of the answer");
                return ((text, true), matcher.found().map(str::to_owned));
            }
        }
        ((text + &matcher.finish(), false), matcher.found().map(str::to_owned))
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

        #[test]
        fn a_shown_stop_string_is_the_one_that_was_found(
            pieces in prop::collection::vec("[abé]{0,4}", 0..8),
            stops in prop::collection::vec("[abé]{0,4}", 0..4),
        ) {
            let (mut expected, stopped) = plain(&stops, &pieces.concat());
            let pieces = || pieces.iter().map(String::as_str);
            let (answer, found) = run_with(&stops, StopText::Shown, pieces());
            prop_assert_eq!(found.is_some(), stopped);
            expected += found.as_deref().unwrap_or_default();
            prop_assert_eq!(answer, (expected, stopped));
            prop_assert_eq!(run_with(&stops, StopText::Hidden, pieces()).1, found);
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
        let mut matcher = StopMatcher::new(vec!["<end>".to_owned()], StopText::Hidden);
        assert_eq!(matcher.push("a <en"), ("a ".to_owned(), false));
        assert_eq!(matcher.push("ough"), ("<enough".to_owned(), false));
        assert_eq!(matcher.push("<"), (String::new(), false));
        assert_eq!(matcher.finish(), "<");
    }
}
