//! [`StopMatcher`]: stop strings across token borders, never leaked, not even partly.

/// Finds the first stop string in a text that comes in pieces; holds back what may be the start of one.
///
/// ```
/// let mut stops = lmdeploy::decode::StopMatcher::new(vec!["END".into()]);
/// assert_eq!(stops.push("one E"), ("one ".to_owned(), false));
/// assert_eq!(stops.push("ND two"), (String::new(), true));
/// ```
#[derive(Clone, Debug, Default)]
pub struct StopMatcher {
    stops: Vec<String>,
    held: String,
}

impl StopMatcher {
    /// Empty strings are left out: they would stop everything before it began.
    #[must_use]
    pub fn new(mut stops: Vec<String>) -> Self {
        stops.retain(|stop| !stop.is_empty());
        Self { stops, held: String::new() }
    }

    /// Takes the next text; gives what is certainly before any stop string, and whether one is complete.
    pub fn push(&mut self, text: &str) -> (String, bool) {
        self.held.push_str(text);
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        let (certain, hit) = match found {
            Some(start) => (start, true),
            None => (self.held.len() - self.uncertain(), false),
        };
        let rest = self.held.split_off(certain);
        let certain = std::mem::replace(&mut self.held, if hit { String::new() } else { rest });
        (certain, hit)
    }

    /// What was held back and turned out to be text.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Bytes at the end that are the start of a stop string.
    fn uncertain(&self) -> usize {
        let longest = |stop: &String| {
            let most = self.held.len().min(stop.len() - 1);
            let fits =
                |length: &usize| stop.is_char_boundary(*length) && self.held.ends_with(&stop[..*length]);
            (1..=most).rev().find(fits).unwrap_or(0)
        };
        self.stops.iter().map(longest).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_split_gives_the_text_before_the_first_stop() {
        let text = "aab aé ab\nUser: x";
        let stops = ["\nUser".to_owned(), "é a\u{0}".to_owned(), "ab\nX".to_owned()];
        let borders: Vec<usize> = (0..=text.len()).filter(|&i| text.is_char_boundary(i)).collect();
        for &first in &borders {
            for &second in borders.iter().filter(|&&second| second >= first) {
                let mut matcher = StopMatcher::new(stops.to_vec());
                let mut out = String::new();
                for part in [&text[..first], &text[first..second], &text[second..]] {
                    let (certain, hit) = matcher.push(part);
                    out += &certain;
                    if hit {
                        break;
                    }
                }
                assert_eq!(out, "aab aé ab", "cut at {first} and {second}");
            }
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
