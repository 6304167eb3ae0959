//! Plain English: turns of phrase that no engineer would say to a colleague, with what to write instead.
//!
//! The table is that of docs/style.md. Comments, string literals outside tests, Markdown, the comments of TOML and
//! Python files and Python's docstrings are read; code in backticks and fenced code are not.

use std::sync::LazyLock;

use regex::Regex;

use super::finding::Finding;
use crate::rust::{Kind, Passage, Place, RustFile, markdown, passages};

/// The file that holds the phrases cannot be without them.
const OWN_FILES: [&str; 3] =
    ["xtask/src/tidy/phrases.rs", "xtask/src/tidy/phrases/tests.rs", "docs/style.md"];

/// One banned turn of phrase.
#[derive(Debug)]
struct Phrase {
    /// A space matches any white space; a group, where there is one, is what is reported.
    pattern: &'static str,
    /// What follows the match and makes it plain English after all; empty for nothing.
    unless: &'static str,
    /// Where it is looked for.
    place: Where,
    /// What to write instead.
    instead: &'static str,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Where {
    /// In every passage.
    Anywhere,
    /// In doc comments, which name things, and in the cells of Markdown tables.
    Definitions,
}

const fn phrase(pattern: &'static str, instead: &'static str) -> Phrase {
    Phrase { pattern, unless: "", place: Where::Anywhere, instead }
}

const fn definition(pattern: &'static str, unless: &'static str, instead: &'static str) -> Phrase {
    Phrase { pattern, unless, place: Where::Definitions, instead }
}

const PHRASES: &[Phrase] = &[
    definition(
        r"^Most ",
        r"^(?:of|frequent|recent|common|likely|probable|significant)\b",
        "\"Maximum number of ...\"",
    ),
    definition(r"^(Longest|Shortest) ", "", "\"Maximum length of ...\", \"Idle timeout\""),
    phrase(r"\bFewest ", "\"Minimum number of ...\""),
    phrase(r"\b[Ll]ongest silence\b", "\"idle timeout\""),
    Phrase {
        pattern: r"\b(?:is|are|was|were) none\b",
        unless: r"^ of\b",
        place: Where::Anywhere,
        instead: "\"is not a ...\", \"does not exist\"",
    },
    Phrase {
        pattern: r"(?:^|[^e ] |[^r]e |[^e]re |[^h]ere )\b((?:is|are|was|were) no )",
        unless: r"^(?:longer|more|less|better|worse|different|later|earlier|larger|greater|smaller|faster|slower|way|doubt|need|matter)\b",
        place: Where::Anywhere,
        instead: "\"is not a ...\"",
    },
    phrase(r"\b[Aa]n own ", "\"its own ...\", \"a separate ...\""),
    phrase(r"\b[Ll]ikeliest\b", "\"most likely\", \"greedy decoding\""),
    phrase(
        r"\b(?:lies|lie|lay|lying) (?:in|below|under|above|at|beside|inside|outside|behind|one|there|where)\b",
        "\"is in ...\"",
    ),
    Phrase {
        pattern: r"\b(?:stands?|stood|standing) (?:in|at|behind|beside|below|above|before|there|where|outside|inside)\b",
        unless: r"^ for\b",
        place: Where::Anywhere,
        instead: "\"is ...\"",
    },
    Phrase {
        pattern: r"\b(?:go|goes|went|gone) on\b",
        unless: r"^ (?:the|a|an|top)\b",
        place: Where::Anywhere,
        instead: "\"continues\", \"resumes\"",
    },
    phrase(r"\bin earnest\b", "what is meant: \"for real use\", \"at full size\""),
    phrase(r"\bby whichever name\b", "\"the given path\", \"any of its names\""),
    phrase(r"\b[Ww]here queries meet keys\b", "\"computes attention\""),
    phrase(r"\bby turns\b", "\"interleaved\", \"alternately\""),
    phrase(r"\bbehind the (?:decimal )?point\b", "\"decimals\""),
    phrase(r"\b[Hh](?:olds?|eld|olding) (?:[\w`']+ ){1,5}against\b", "\"checks ... against\""),
    phrase(r"(?:^|[.:;|] )(Of an? )", "\"For ...\", \"... of a ...\" after its noun"),
    phrase(r"\bbeside (?:it|them)\b", "\"next to it\""),
    phrase(r"\bbrings? none\b", "\"does not set one\""),
    phrase(r"\b[Tt]ells? the life\b", "\"traces ... through the pipeline\""),
    phrase(r"\bstays? not\b", "\"remains non-...\""),
    phrase(r"\bother people's\b", "\"third-party code\""),
    phrase(r"\b[Tt]aken together (?:are|is)\b", "\"we keep the set of ...\""),
    phrase(r"\b[Vv]ital data\b", "\"statistics\""),
    phrase(r"\b[Ss]eeds? of the seeds?\b", "\"base seed\""),
];

static COMPILED: LazyLock<Vec<(Regex, Regex)>> = LazyLock::new(|| {
    let compile = |pattern: &str| {
        Regex::new(&pattern.replace(' ', r"\s+")).expect("the patterns of this file are regular expressions")
    };
    PHRASES.iter().map(|phrase| (compile(phrase.pattern), compile(phrase.unless))).collect()
});

/// Checks the comments and the string literals of one Rust file.
pub(super) fn check_rust(file: &RustFile) -> Vec<Finding> {
    if OWN_FILES.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let tests = file.test_ranges();
    let in_test = |line: usize| {
        file.place() != Place::Source || tests.iter().any(|(first, last)| (*first..=*last).contains(&line))
    };
    passages(&file.text)
        .iter()
        .filter(|passage| passage.kind != Kind::Text || !in_test(passage.line))
        .flat_map(|passage| check(&file.path, passage))
        .collect()
}

/// Checks one Markdown file.
pub(super) fn check_markdown(path: &str, text: &str) -> Vec<Finding> {
    if OWN_FILES.contains(&path) {
        return Vec::new();
    }
    markdown(text).iter().flat_map(|passage| check(path, passage)).collect()
}

/// Checks the comments and the docstrings of one Python file.
pub(super) fn check_python(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = check_hash_comments(path, text);
    let mut line = 1;
    let mut before = "";
    for (index, part) in text.split("\"\"\"").enumerate() {
        // What is between two marks has an odd number; with something in front of it, it is a value.
        if index % 2 == 1 && before.trim().is_empty() {
            let docstring = Passage { line, kind: Kind::Comment, text: part.to_owned() };
            findings.extend(check(path, &docstring));
        }
        line += part.matches('\n').count();
        before = part.rsplit('\n').next().unwrap_or_default();
    }
    findings
}

/// Checks the comments of one file in which they begin with `#`, such as TOML.
pub(super) fn check_hash_comments(path: &str, text: &str) -> Vec<Finding> {
    let comments = text.lines().enumerate().filter_map(|(index, line)| {
        let words = line.trim_start().strip_prefix('#')?.trim_start().to_owned();
        Some(Passage { line: index + 1, kind: Kind::Comment, text: words })
    });
    comments.flat_map(|passage| check(path, &passage)).collect()
}

fn check(path: &str, passage: &Passage) -> Vec<Finding> {
    let text = without_code(&passage.text);
    let mut findings = Vec::new();
    for (phrase, (pattern, unless)) in PHRASES.iter().zip(COMPILED.iter()) {
        for (start, part) in parts(phrase.place, passage.kind, &text) {
            for captures in pattern.captures_iter(part) {
                let Some(found) = captures.get(1).or_else(|| captures.get(0)) else { continue };
                if !phrase.unless.is_empty() && unless.is_match(&part[found.end()..]) {
                    continue;
                }
                let words = found.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
                let line = passage.line + text[..start + found.start()].matches('\n').count();
                let message = format!("\"{words}\", expected {}", phrase.instead);
                findings.push(Finding { path: path.to_owned(), line, rule: "phrase", message });
            }
        }
    }
    findings
}

/// The stretches of a passage in which a phrase is looked for, with their offsets.
fn parts(place: Where, kind: Kind, text: &str) -> Vec<(usize, &str)> {
    match (place, kind) {
        (Where::Anywhere, _) => vec![(0, text)],
        (Where::Definitions, Kind::Doc) => vec![(0, text)],
        (Where::Definitions, Kind::Markdown) => {
            let cells = text.match_indices("| ").map(|(at, mark)| at + mark.len());
            cells.map(|start| (start, &text[start..])).collect()
        }
        (Where::Definitions, Kind::Comment | Kind::Text) => Vec::new(),
    }
}

/// The text with what is between backticks replaced letter by letter.
fn without_code(text: &str) -> String {
    let mut inside = false;
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        inside ^= c == '`';
        plain.push(if inside && c != '`' && !c.is_whitespace() { 'x' } else { c });
    }
    plain
}

#[cfg(test)]
mod tests;
