//! Stop strings over a stream of text.

/// Lets text through until one of the stop strings appears, wherever the pieces were cut.
///
/// ```
/// use internlm_model::generate::StopText;
///
/// let mut stop = StopText::new(vec!["END".to_owned()]);
/// assert_eq!(stop.push("one E"), "one ");
/// assert_eq!(stop.push("ND two"), "");
/// assert!(stop.stopped());
/// ```
#[derive(Clone, Debug)]
pub struct StopText {
    stops: Vec<String>,
    /// Text that may be the beginning of a stop string.
    held: String,
    stopped: bool,
}

impl StopText {
    /// Watches for any of `stops`; empty strings are ignored.
    #[must_use]
    pub fn new(stops: Vec<String>) -> Self {
        let stops = stops.into_iter().filter(|stop| !stop.is_empty()).collect();
        Self { stops, held: String::new(), stopped: false }
    }

    /// Takes the next piece and returns the text that is certainly before any stop string.
    pub fn push(&mut self, piece: &str) -> String {
        if self.stopped {
            return String::new();
        }
        self.held.push_str(piece);
        let found = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min();
        if let Some(at) = found {
            self.stopped = true;
            self.held.truncate(at);
            return std::mem::take(&mut self.held);
        }
        let keep = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }

    /// The text that was held back; call it when no more comes.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Whether a stop string appeared.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.stopped
    }
}

/// Bytes of the longest end of `text` that is a proper beginning of `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let lengths = stop.char_indices().map(|(at, _)| at).skip(1);
    lengths.filter(|&length| text.ends_with(&stop[..length])).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stops: &[&str], pieces: &[&str], expect: &str) {
        let mut stop = StopText::new(stops.iter().map(|&stop| stop.to_owned()).collect());
        let mut text: String = pieces.iter().map(|piece| stop.push(piece)).collect();
        text += &stop.finish();
        assert_eq!(text, expect, "{stops:?} {pieces:?}");
    }

    #[test]
    fn stop_strings_end_the_text_wherever_the_pieces_are_cut() {
        check(&["\n\n"], &["a\n", "b", "\n", "\nc"], "a\nb");
        check(&["stop", "top"], &["x st", "op"], "x ");
        check(&["aab"], &["a", "a", "a", "b"], "a");
        check(&["é!"], &["caf", "é", "?", "é", "!"], "café?");
        check(&[], &["a", "b"], "ab");
        check(&["never"], &["nev", "e"], "neve");
    }
}
