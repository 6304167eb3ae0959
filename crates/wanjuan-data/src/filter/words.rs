//! Words and punctuation, as the rules count them.

use unicode_segmentation::UnicodeSegmentation;

/// The words of a text by Unicode's word boundaries (UAX 29), punctuation marks included, white space left
/// out: close to what spaCy's tokenizer gives datatrove for English. Each Chinese character is a word.
#[must_use]
pub fn words(text: &str) -> Vec<&str> {
    text.split_word_bounds().filter(|word| !word.trim().is_empty()).collect()
}

/// Whether `c` is punctuation: ASCII's, and the blocks of general, CJK and full-width punctuation.
#[must_use]
pub fn is_punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c,
            '¡' | '§' | '«' | '¶' | '·' | '»' | '¿'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{fe10}'..='\u{fe1f}'
            | '\u{fe30}'..='\u{fe6b}' | '\u{ff01}'..='\u{ff0f}' | '\u{ff1a}'..='\u{ff20}'
            | '\u{ff3b}'..='\u{ff40}' | '\u{ff5b}'..='\u{ff65}')
}

/// Length in code points, as Python counts.
pub(super) fn length(text: &str) -> usize {
    text.chars().count()
}

/// `part / whole`, 0 when there is nothing.
pub(super) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
