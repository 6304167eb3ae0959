//! [`Starts`]: tells by two letters that a text cannot begin with one of many words, as most texts cannot.

/// Second letters of words, one bit for each, by the first letter.
pub(super) struct Starts([u32; 26]);

impl Starts {
    /// Collects the first two letters of words in lower case. Words that begin with other characters are left out.
    pub(super) const fn of(words: &[&str]) -> Self {
        Self([0; 26]).and(words)
    }

    /// Adds further words.
    pub(super) const fn and(mut self, words: &[&str]) -> Self {
        let mut place = 0;
        while place < words.len() {
            let word = words[place].as_bytes();
            if word[0].is_ascii_lowercase() && word[1].is_ascii_lowercase() {
                self.0[(word[0] - b'a') as usize] |= 1_u32 << (word[1] - b'a');
            }
            place += 1;
        }
        self
    }

    /// Whether a text may begin with one of the words, in any case. A text that begins with a character beyond ASCII
    /// may.
    pub(super) fn may_begin(&self, text: &str) -> bool {
        match text.as_bytes() {
            [first, second, ..] if first.is_ascii() => {
                let place = |byte: &u8| (byte | 0x20).wrapping_sub(b'a');
                let seconds = self.0.get(place(first) as usize).copied().unwrap_or_default();
                place(second) < 26 && seconds & (1 << place(second)) != 0
            }
            [_, _, ..] => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_letters_exclude_most_texts() {
        const STARTS: Starts = Starts::of(&["by", "von"]).and(&["©", "geschrieben von"]);
        for text in ["by Ada", "By", "BYRON", "Vo", "geh", "© Ada", "été"] {
            assert!(STARTS.may_begin(text), "{text}");
        }
        for text in ["", "b", "Be", "b-y", "{y", "a by", "12"] {
            assert!(!STARTS.may_begin(text), "{text}");
        }
    }
}
