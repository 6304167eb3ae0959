//! The fixed reading of `first_option_postprocess` and `last_option_postprocess`: the option that a person reads.
//!
//! OpenCompass 0.5.4 takes letters out of words, `N` of `None of the above` among them, does not see through
//! marks such as `**D**`, and lacks two patterns because of a missing comma (pull 2600). Here a letter counts only if
//! it is a word of its own, and what the text calls the answer comes before other letters. A small letter counts where
//! the text calls it the answer, or begins with it.

use std::sync::LazyLock;

use internlm_model::answer::before_next_question;
use regex::Regex;

use super::pattern::built_in;

/// Quotes, brackets and commands of LaTeX that may be between a cue and its letter.
const OPENING: &str = r#"(?:[\s"'“‘「(（\[【{<$\\]|text\{|mathrm\{|mathbf\{|textbf\{|boxed\{)*"#;
/// Patterns that say which option is the answer; `L` stands for the letter, in either case, and what may open it.
const ANSWERS: [&str; 6] = [
    r"boxed\{L",
    r"(?i:\b(?:answer|choice|option)(?:\s+(?:to|of|for)\s[^.:：\n]{1,80}?)?\s*(?:is|was|should be|must be|would be|[:：=])\s*[:：]?\s*(?:the\s+)?(?:option|choice|letter)?)L",
    r"(?:答案|正确选项)(?:选项)?(?:应该?)?(?:是|为|选)?\s*[:：]?\s*(?:选项)?L",
    r"(?:故|应|应该|所以|因此|我|本题|而)选择?(?:选项)?L",
    r"只有(?:选项)?L",
    r"(?i:\bonly\s+(?:option|choice)?)L",
];
/// Patterns that call an option right without calling it the answer.
const PRAISES: [&str; 5] = [
    r"L\s?(?:选项)?(?:才?是|为)?(?:正确|对的|对(?:[，。,.\s]|$))",
    r"说法(?:不?正确|不?对|错误)的?(?:选项)?(?:是|为)(?:选项)?L",
    r"L(?i:\W{0,3}\s+is\s+(?:the\s+)?(?:only\s+)?(?:correct|right|best|true|answer)\b)",
    r"(?i:\b(?:choose|pick|select|go with)\s+(?:option|choice)?)L",
    r"选择?L",
];
/// Words after the letters A and I that show them to be options, not the article and the pronoun.
const VERBS: [&str; 18] = [
    "is", "was", "are", "and", "or", "because", "since", "as", "but", "not", "would", "must", "should",
    "instead", "rather", "for", "due", "given",
];

static MARKS: LazyLock<Regex> = LazyLock::new(|| built_in(r"[*`_]|</?(?:b|i|u|em|strong|code|mark)>"));
static NONE: LazyLock<Regex> = LazyLock::new(|| {
    built_in(
        r"(?i)\bnone of (?:the|these|those|them)\b|以上(?:都|皆|均)不|[都均](?:不对|不正确|不是|错)|没有正确",
    )
});
static DENIED_BEFORE: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"(?i)(?:\bnot|n't|\bnor|不选|不是|排除)(?:\s+(?:option|choice))?\W*$"));
static DENIED_AFTER: LazyLock<Regex> = LazyLock::new(|| {
    built_in(
        r"(?i)^\W{0,3}(?:选项)?(?:\s*(?:is|was|are)\s*(?:\w+\s+)?(?:not|n't|wrong|incorrect|false)|是?错|不|与题意无关)",
    )
});

static DOUBTED: LazyLock<Regex> = LazyLock::new(|| built_in(r#"^[\s)\]）】}"'”’]{0,3}[?？]"#));

/// The patterns compiled for one set of option letters.
#[derive(Clone, Debug)]
pub(super) struct FixedOption {
    options: Vec<char>,
    answers: Vec<Regex>,
    praises: Vec<Regex>,
    /// A letter that begins the text or is alone in its last line.
    places: [Regex; 2],
    any: Regex,
    /// Whether any letter is better than no answer.
    cushion: bool,
}

impl FixedOption {
    /// Compiles the patterns for `options`. With `cushion`, the last letter that is not denied is the answer of a
    /// text that names none.
    pub(super) fn new(options: &str, cushion: bool) -> Self {
        // The boundaries are ASCII, so that `选项C是` has a letter and `None` has none.
        let opened = |letters: &str| format!(r"{OPENING}(?-u:\b)([{letters}])(?-u:\b)");
        let letter = opened(&regex::escape(options));
        let small: String = options.chars().map(|option| option.to_ascii_lowercase()).collect();
        let either = opened(&regex::escape(&format!("{options}{small}")));
        let compile = |letter: &str, pattern: &str| built_in(&pattern.replace('L', letter));
        Self {
            options: options.chars().collect(),
            answers: ANSWERS.iter().map(|pattern| compile(&either, pattern)).collect(),
            praises: PRAISES.iter().map(|pattern| compile(&letter, pattern)).collect(),
            places: [
                built_in(&format!(r#"^{either}(?:[.。:：)）\]】}}"'>$]|\s*\n|$)"#)),
                built_in(&format!(r#"\n\s*{letter}[.。)）\]】}}"'>$]*$"#)),
            ],
            any: built_in(&letter),
            cushion,
        }
    }

    /// The option that the text gives as its answer.
    pub(super) fn answer(&self, text: &str) -> String {
        let text = plain(text);
        let text = text.trim();
        // The next question, which some models ask themselves, is not part of the answer.
        let first = self
            .answers
            .iter()
            .chain([&self.any])
            .filter_map(|letter| Some(letter.captures(text)?.get(1)?.start()));
        let text = before_next_question(text, first.min().unwrap_or(text.len())).trim_end();
        let [beginning, last_line] = &self.places;
        let named = last(&self.answers, text, |_, after| !DOUBTED.is_match(after))
            .or_else(|| last(&self.praises, text, is_accepted))
            .or_else(|| last([beginning], text, is_accepted));
        let letter = match named {
            None if NONE.is_match(text) => None,
            None => last([last_line], text, is_accepted)
                .or_else(|| last([&self.any], text, is_accepted).filter(|_| self.cushion)),
            named => named,
        };
        letter.map(|letter| self.option(letter).to_string()).unwrap_or_default()
    }

    /// The option that a letter of either case means.
    fn option(&self, letter: char) -> char {
        let same = |option: &&char| **option == letter;
        let other = |option: &&char| option.eq_ignore_ascii_case(&letter);
        *self.options.iter().find(same).or_else(|| self.options.iter().find(other)).unwrap_or(&letter)
    }

    /// The last letter that is a word of its own.
    pub(super) fn last_letter(&self, text: &str) -> String {
        last([&self.any], &plain(text), |_, _| true).map(String::from).unwrap_or_default()
    }
}

/// The text without marks for bold, slanted and code, and with ASCII letters for wide ones.
fn plain(text: &str) -> String {
    let narrow = |character: char| match character {
        'Ａ'..='Ｚ' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        _ => character,
    };
    MARKS.replace_all(text, "").chars().map(narrow).collect()
}

/// The last letter of the text that one of the patterns finds and whose surroundings are accepted. An article and a
/// pronoun are not options.
fn last<'a>(
    patterns: impl IntoIterator<Item = &'a Regex>,
    text: &str,
    accept: fn(&str, &str) -> bool,
) -> Option<char> {
    let mut found: Option<(usize, char)> = None;
    let matches = patterns.into_iter().flat_map(|pattern| pattern.captures_iter(text));
    for letter in matches.filter_map(|captures| captures.get(1)) {
        let (before, after) = (&text[..letter.start()], &text[letter.end()..]);
        let Some(option) = letter.as_str().chars().next() else { continue };
        let later = found.is_none_or(|(start, _)| start < letter.start());
        if later && !is_word(option, after) && accept(before, after) {
            found = Some((letter.start(), option));
        }
    }
    found.map(|(_, option)| option)
}

/// Says whether a letter is the article of `A train` or the pronoun of `I think`, or a small one with an apostrophe.
fn is_word(letter: char, after: &str) -> bool {
    let joined =
        after.strip_prefix(['\'', '’', '-']).is_some_and(|rest| rest.starts_with(char::is_alphanumeric));
    if letter.is_ascii_lowercase() && joined {
        return true;
    }
    let Some(rest) = after.strip_prefix([' ', '\'', '’']) else { return false };
    let word = rest.split(|next: char| !next.is_ascii_alphabetic()).next().unwrap_or_default();
    let begins = |first: char| {
        first.is_ascii_lowercase()
            || (letter.is_ascii_lowercase() && (first.is_alphanumeric() || first == '"'))
    };
    matches!(letter.to_ascii_uppercase(), 'A' | 'I') && rest.starts_with(begins) && !VERBS.contains(&word)
}

/// Says whether the text around a letter does not deny it.
fn is_accepted(before: &str, after: &str) -> bool {
    !DENIED_BEFORE.is_match(before) && !DENIED_AFTER.is_match(after)
}
