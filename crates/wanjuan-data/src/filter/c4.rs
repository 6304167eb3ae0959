//! The stage `c4`: line and document rules of C4 (arXiv 1910.10683, section 2.2), in the order of
//! `C4QualityFilter` of huggingface/datatrove@a649de7.

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::words::length;
use crate::{Document, Reason, Stage, Verdict};

/// Which rules apply. Defaults are C4's, as in datatrove.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct C4Config {
    /// Drop lines with a longer word, in characters; 0 = off. C4 in datatrove: 1000.
    pub max_word_length: usize,
    /// Cut `[12]`, `[]`, `[edit]`, `[citation needed]` out of lines. Default true.
    pub remove_citations: bool,
    /// Drop lines that do not end in `. ? ! " '` or end in `...`. Default true; FineWeb switches it off.
    pub terminal_punctuation: bool,
    /// Drop lines with fewer words (split at white space); 0 = off. C4: 3.
    pub min_words_per_line: usize,
    /// Drop the document at "lorem ipsum". Default true.
    pub lorem_ipsum: bool,
    /// Drop lines with "javascript". Default true.
    pub javascript: bool,
    /// Drop the document at `{`. Default true; off for text about programming.
    pub curly_bracket: bool,
    /// Drop lines with "terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies" or
    /// "use cookies". Default true.
    pub policy: bool,
    /// Drop the document when fewer sentences are left; 0 = off. C4: 5.
    pub min_sentences: usize,
    /// What happens to white space around lines and to empty lines: `strip` (C4, default) or `keep`, which
    /// leaves the indentation of code alone.
    pub white_space: LineWhitespace,
}

/// White space around lines.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineWhitespace {
    /// Cut off, empty lines too.
    #[default]
    Strip,
    /// Kept.
    Keep,
}

impl Default for C4Config {
    fn default() -> Self {
        Self {
            max_word_length: 1000,
            remove_citations: true,
            terminal_punctuation: true,
            min_words_per_line: 3,
            lorem_ipsum: true,
            javascript: true,
            curly_bracket: true,
            policy: true,
            min_sentences: 5,
            white_space: LineWhitespace::Strip,
        }
    }
}

const POLICY: [&str; 6] =
    ["terms of use", "privacy policy", "cookie policy", "uses cookies", "use of cookies", "use cookies"];

/// The stage.
#[derive(Clone, Debug, Default)]
pub struct C4 {
    config: C4Config,
}

/// What becomes of a line.
enum LineVerdict {
    Keep(String),
    Drop,
    DropDocument(Reason),
}

impl C4 {
    /// The stage with `config`.
    #[must_use]
    pub fn new(config: C4Config) -> Self {
        Self { config }
    }

    /// The text that is left, or why nothing is.
    ///
    /// # Errors
    /// The reason for which the document is dropped.
    pub fn filter(&self, text: &str) -> Result<String, Box<Reason>> {
        let keep = self.config.white_space == LineWhitespace::Keep;
        let mut kept: Vec<String> = Vec::new();
        let mut sentences = 0;
        for line in text.lines() {
            if keep && line.trim().is_empty() {
                kept.push(String::new());
                continue;
            }
            match self.line(if keep { line.trim_end() } else { line.trim() }) {
                LineVerdict::Keep(line) => {
                    sentences += line.unicode_sentences().count();
                    kept.push(line);
                }
                LineVerdict::Drop => {}
                LineVerdict::DropDocument(reason) => return Err(Box::new(reason)),
            }
        }
        if sentences < self.config.min_sentences {
            let limit = self.config.min_sentences as f64;
            return Err(Box::new(Reason::below("too-few-sentences", sentences as f64, limit)));
        }
        let text = kept.join("\n");
        Ok(if keep { text.trim_matches('\n').to_owned() } else { text.trim().to_owned() })
    }

    fn line(&self, line: &str) -> LineVerdict {
        let config = &self.config;
        let words = || line.split_whitespace();
        if config.max_word_length > 0 && words().any(|word| length(word) > config.max_word_length) {
            return LineVerdict::Drop;
        }
        // Counted before citations are cut, as datatrove does.
        let count = words().count();
        let line = if config.remove_citations { without_citations(line) } else { line.to_owned() };
        if config.terminal_punctuation
            && (!line.ends_with(['.', '?', '!', '"', '\'']) || line.ends_with("..."))
        {
            return LineVerdict::Drop;
        }
        if count < config.min_words_per_line {
            return LineVerdict::Drop;
        }
        let lower = line.to_lowercase();
        if config.lorem_ipsum && lower.contains("lorem ipsum") {
            return LineVerdict::DropDocument(Reason::new("lorem-ipsum"));
        }
        if config.javascript && lower.contains("javascript") {
            return LineVerdict::Drop;
        }
        if config.curly_bracket && line.contains('{') {
            return LineVerdict::DropDocument(Reason::new("curly-bracket"));
        }
        if config.policy && POLICY.iter().any(|policy| lower.contains(policy)) {
            return LineVerdict::Drop;
        }
        LineVerdict::Keep(line)
    }
}

/// Cuts `[12]`, `[]`, `[edit]` and `[citation needed]`.
fn without_citations(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('[') {
        out.push_str(&rest[..open]);
        let inside = &rest[open + 1..];
        match inside.find(']').map(|close| (&inside[..close], &inside[close + 1..])) {
            Some((mark, after))
                if mark.bytes().all(|byte| byte.is_ascii_digit())
                    || mark == "edit"
                    || mark == "citation needed" =>
            {
                rest = after;
            }
            _ => {
                out.push('[');
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}

impl Stage for C4 {
    fn name(&self) -> &'static str {
        "c4"
    }

    fn apply(&self, mut document: Document) -> Verdict {
        match self.filter(&document.content) {
            Ok(text) => {
                document.content = text;
                Verdict::Keep(document)
            }
            Err(reason) => Verdict::Drop(document, reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn five(last: &str) -> String {
        "One is here. Two is here. Three is here. Four is here.\n".to_owned() + last
    }

    #[test]
    fn lines_go_and_documents_go() {
        let check = |last: &str| C4::default().filter(&five(last)).map_err(|reason| reason.rule.into_owned());
        assert_eq!(check("And five too.[1]").map(|text| text.ends_with("five too.")), Ok(true));
        assert_eq!(check("No end of line"), Err("too-few-sentences".to_owned()));
        assert_eq!(check("Enable JavaScript to see this."), Err("too-few-sentences".to_owned()));
        assert_eq!(check("Here is a { in a line."), Err("curly-bracket".to_owned()));
        // A line that is dropped earlier cannot drop the document.
        assert_eq!(check("Here is a { in a line"), Err("too-few-sentences".to_owned()));
        assert_eq!(check("Lorem ipsum dolor sit amet."), Err("lorem-ipsum".to_owned()));
    }

    #[test]
    fn keeping_white_space_keeps_code() {
        let config = C4Config {
            terminal_punctuation: false,
            min_words_per_line: 0,
            min_sentences: 0,
            white_space: LineWhitespace::Keep,
            ..C4Config::default()
        };
        let text = "Code:\n\n    let x = [];\n        y";
        let kept = C4::new(C4Config { remove_citations: false, ..config }).filter(text);
        assert_eq!(kept.as_deref(), Ok(text));
    }
}
