//! [`WordPairs`]: all pairs of an adjective and a noun in the order of Python's `sorted`.

/// The texts `adjective-noun`, each once, sorted. There are millions, so only those are made that are asked for.
pub(super) struct WordPairs {
    /// Nouns, sorted.
    nouns: Vec<String>,
    /// Parts of the list, with the place of the first text in the list.
    parts: Vec<(usize, Part)>,
    /// Number of texts.
    pub(super) count: usize,
}

/// A part of the list.
enum Part {
    /// An adjective with every noun.
    Adjective(String),
    /// Texts of adjectives of which one begins the others, as `well` begins `well-known`: their pairs are mixed.
    Mixed(Vec<String>),
}

impl WordPairs {
    /// Keeps the words of two lists.
    pub(super) fn new(adjectives: &[&str], nouns: &[&str]) -> Self {
        let nouns: Vec<String> = sorted(nouns.iter().map(|noun| (*noun).to_owned()).collect());
        let heads = sorted(adjectives.iter().map(|adjective| format!("{adjective}-")).collect());
        let (mut parts, mut count) = (Vec::new(), 0);
        let mut heads = &heads[..];
        while let Some(first) = heads.first() {
            let same = heads.iter().take_while(|head| head.starts_with(first.as_str())).count();
            let part = if same == 1 {
                Part::Adjective(first.clone())
            } else {
                let mut pairs = Vec::with_capacity(same * nouns.len());
                for head in &heads[..same] {
                    pairs.extend(nouns.iter().map(|noun| format!("{head}{noun}")));
                }
                Part::Mixed(sorted(pairs))
            };
            let length = match &part {
                Part::Adjective(_) => nouns.len(),
                Part::Mixed(pairs) => pairs.len(),
            };
            parts.push((count, part));
            count += length;
            heads = &heads[same..];
        }
        Self { nouns, parts, count }
    }

    /// Returns the text at a place below `count`.
    pub(super) fn text(&self, place: usize) -> String {
        let after = self.parts.partition_point(|(start, _)| *start <= place);
        match self.parts.get(after.saturating_sub(1)) {
            Some((start, Part::Adjective(head))) => format!("{head}{}", self.nouns[place - start]),
            Some((start, Part::Mixed(pairs))) => pairs[place - start].clone(),
            None => String::new(),
        }
    }
}

/// The texts in order, each once: `sorted(set(texts))`.
pub(super) fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// The words of a file with one word per line, as `wonderwords` reads it. Empty lines are empty words.
pub(super) fn words(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_sorted_and_unique() {
        let adjectives = ["well", "ad hoc", "well-made", "red", "x-rated", "red"];
        let nouns = ["pie", "a", "made-pie", "a", "zoo"];
        let pairs = WordPairs::new(&adjectives, &nouns);
        let all = adjectives.iter().flat_map(|head| nouns.iter().map(move |noun| format!("{head}-{noun}")));
        let expected = sorted(all.collect());
        assert_eq!(pairs.count, expected.len());
        assert_eq!((0..pairs.count).map(|place| pairs.text(place)).collect::<Vec<_>>(), expected);
        assert_eq!(WordPairs::new(&[], &nouns).count, 0);
        assert_eq!(words("big \nold\r\n\nx"), ["big", "old", "", "x"]);
    }
}
