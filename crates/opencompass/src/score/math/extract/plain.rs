//! Numbers and sums without math delimiters.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::anchor::{Anchor, find_words, within};
use crate::score::math::latex::{Expr, parse};
use crate::score::math::pattern::built_in;

/// A plain answer: where it begins and ends, its text, and its value.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: String,
    pub(super) value: Option<Expr>,
}

/// A sum behind the beginning, white space or an equals sign.
const SUM: &str = r"(?:^|\s|=)(?:\*\*)?(?P<sum>-?\(?-?\d[\d.\s+\-*×/^()÷]*[+\-*×/^()÷][\d.\s+\-*×/^()÷]+\)?)(?:\*\*)?(?:\.|,|:|\s|\)|\$|$)";

/// A number behind the beginning, white space or an equals sign, with an optional currency and percent sign.
const NUMBER: &str = concat!(
    r"(?:^|\s|=)(?:\*\*)?[$€£¥₹₽₪₩₫฿₡₢₣₤₥₦₧₨₭₮₯₰₱₲₳₴₵₶₷₸₺₻₼₾₿]?(?:",
    r"(?P<grouped>-?[1-9]\d{0,2}(?:[ ,]\d{3})+(?:\.\d+)?)|(?P<decimal>-?\d+[.,]\d+)|(?P<fraction>\.\d+)|(?P<whole>-?\d+)",
    r")(?P<percent>\s*(?:%|[Pp]ercent|\s*[Pp]ercentage|\s*[Pp]ct))?",
);

static EVERYWHERE: LazyLock<[Regex; 2]> = LazyLock::new(|| [built_in(SUM), built_in(NUMBER)]);
static HERE: LazyLock<Regex> = LazyLock::new(|| {
    // Behind other words, the beginning of the text is not the beginning of a number.
    let part = |pattern: &str| pattern.replacen(r"(?:^|\s|=)", r"^(?:\s|=)", 1);
    built_in(&format!("(?:{}|{})", part(SUM), part(NUMBER)))
});

/// Finds all numbers and sums.
pub(super) fn everywhere(text: &str) -> Vec<Plain> {
    let matches = |pattern: &'static Regex| pattern.captures_iter(text).filter_map(|found| plain(&found, 0));
    EVERYWHERE.iter().flat_map(matches).collect()
}

/// Finds the numbers and sums that an anchor announces.
pub(super) fn announced(text: &str, anchor: Anchor) -> Vec<Plain> {
    let words = match anchor {
        Anchor::Hope | Anchor::FinalAnswer => "final answer",
        Anchor::Colon => "answer:",
        Anchor::Word => "answer",
    };
    let mut all = Vec::new();
    let mut place = 0;
    while let Some(start) = find_words(text, words, place) {
        let from = start + words.len();
        place = from;
        let found = match anchor {
            Anchor::Hope | Anchor::FinalAnswer => within(text, from, 100).find_map(|place| {
                let trimmed = text[place..].trim_start();
                let after = trimmed.strip_prefix("is").filter(|_| trimmed.len() < text.len() - place)?;
                here(text, text.len() - after.strip_prefix(':').unwrap_or(after).len())
            }),
            Anchor::Colon | Anchor::Word => within(text, from, 50).find_map(|place| here(text, place)),
        };
        let hoped = |found: &Plain| text[found.end..].trim_start_matches(['.', ' ']).starts_with("I hope");
        if let Some(found) = found.filter(|found| anchor != Anchor::Hope || hoped(found)) {
            place = found.end.max(from);
            all.push(Plain { start, ..found });
        }
    }
    all
}

/// The number or the sum at a place, unless an equals sign follows it.
fn here(text: &str, place: usize) -> Option<Plain> {
    let found = plain(&HERE.captures(&text[place..])?, place)?;
    (!text[found.end..].trim_start().starts_with('=')).then_some(found)
}

fn plain(found: &Captures<'_>, offset: usize) -> Option<Plain> {
    let whole = found.get(0)?;
    let (start, end) = (offset + whole.start(), offset + whole.end());
    if let Some(sum) = found.name("sum") {
        let text = sum.as_str();
        // The library's parser of sums does not know these signs.
        let readable = !text.contains(['×', '÷']);
        let value = readable.then(|| parse(&text.replace("**", "^").replace('\n', " "))).flatten();
        return Some(Plain { start, end, text: text.to_owned(), value });
    }
    let number = ["grouped", "decimal", "fraction", "whole"].iter().find_map(|name| found.name(name))?;
    let text = match found.name("grouped") {
        Some(_) => number.as_str().replace([',', ' '], ""),
        None => number.as_str().replace(',', "."),
    };
    let value = parse(&text)?;
    let value = if found.name("percent").is_some() { Expr::Percent(Box::new(value)) } else { value };
    Some(Plain { start, end, text, value: Some(value) })
}
