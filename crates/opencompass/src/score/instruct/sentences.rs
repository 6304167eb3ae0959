//! Numbers of sentences by our own rule. Upstream has a trained model (Punkt, Kiss and Strunk 2006), which may count
//! differently around abbreviations.

/// Words whose full stop does not end a sentence.
const ABBREVIATIONS: [&str; 27] = [
    "mr", "mrs", "ms", "dr", "prof", "st", "jr", "sr", "vs", "inc", "ltd", "co", "corp", "fig", "vol",
    "dept", "gen", "capt", "lt", "col", "rev", "hon", "e.g", "i.e", "a.m", "p.m", "ph.d",
];

/// Counts the sentences of an English text. A sentence ends with `.`, `!` or `?`, possibly with closing quotes and
/// brackets, in front of white space that no lower-case letter follows.
pub(super) fn count_sentences(text: &str) -> usize {
    let letters: Vec<char> = text.trim().chars().collect();
    let mut count = 0;
    let mut begin = 0;
    let mut place = 0;
    while place < letters.len() {
        if !matches!(letters[place], '.' | '!' | '?') {
            place += 1;
            continue;
        }
        let mark = place;
        let is_end = |letter: &char| matches!(*letter, '.' | '!' | '?' | '"' | '\'' | ')' | ']' | '”' | '’');
        while letters.get(place).is_some_and(is_end) {
            place += 1;
        }
        let gap = letters[place..].iter().take_while(|letter| letter.is_whitespace()).count();
        let next = letters.get(place + gap);
        let is_open = next.is_some() && (gap == 0 || next.is_some_and(|letter| letter.is_lowercase()));
        let alone = letters[mark] == '.' && place == mark + 1;
        if is_open || (alone && next.is_some() && is_abbreviation(&letters[begin..mark])) {
            continue;
        }
        count += 1;
        begin = place + gap;
        place = begin;
    }
    count + usize::from(begin < letters.len())
}

/// Says whether the last word in front of a full stop is an abbreviation or an initial.
fn is_abbreviation(before: &[char]) -> bool {
    let length = before.iter().rev().take_while(|letter| letter.is_alphanumeric() || **letter == '.').count();
    let word: String = before[before.len() - length..].iter().collect::<String>().to_lowercase();
    let initial = word.chars().count() == 1 && word.chars().all(char::is_alphabetic) && word != "i";
    initial || ABBREVIATIONS.contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_where_a_reader_sees_it() {
        for (text, expected) in [
            ("", 0),
            ("No mark at the end", 1),
            ("One. Two! Three?", 3),
            ("Mr. Smith met J. Doe at 3.5 p.m. today.", 1),
            ("\"Stop!\" he said. He left...", 2),
            ("Visit example.com now. Then leave.", 2),
            ("Really?! Yes.", 2),
            ("So do I. Good.", 2),
        ] {
            assert_eq!(count_sentences(text), expected, "{text}");
        }
    }
}
