//! The contents of `\boxed{...}` and `\fbox{...}`.

use std::sync::LazyLock;

use regex::Regex;

use crate::score::math::pattern::built_in;

/// The maximum number of boxes that are looked at, from the last one on.
const MAX_BOXES: usize = 256;

/// Which boxes of a text count.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::score::math) enum Boxes {
    /// All of them, with commas between them.
    All,
    /// The last one, and those before it that belong to the same answer.
    Last,
}

static SEPARATOR: LazyLock<Regex> = LazyLock::new(|| built_in(r"\b(and|or)\b|,|;"));

/// Returns the contents of the boxes; a text without boxes is returned as it is.
pub(in crate::score::math) fn unboxed(text: &str, boxes: Boxes) -> String {
    if !text.contains("\\boxed") && !text.contains("\\fbox") {
        return text.to_owned();
    }
    let mut results: Vec<&str> = Vec::new();
    let (mut end, mut last_start) = (text.len(), None);
    for _ in 0..MAX_BOXES {
        let Some((start, command)) = last_command(&text[..end]) else { break };
        let after = start + command + leading_space(&text[start + command..end]);
        if after >= end {
            break;
        }
        let Some(content) = braced(&text[after..end]) else {
            // A box that never closes counts only if it is the last one.
            if results.is_empty() {
                results.push(&text[after..]);
            }
            break;
        };
        let close = after + content.len() + 1;
        let content = content.trim();
        if let (Boxes::Last, Some(next)) = (boxes, last_start)
            && !belongs(&text[close + 1..next], content, results.last().copied().unwrap_or_default())
        {
            break;
        }
        if results.last() != Some(&content) {
            results.push(content);
        }
        (end, last_start) = (start, Some(start));
    }
    if results.is_empty() {
        return text.to_owned();
    }
    results.reverse();
    results.join(",")
}

/// Finds the last command of a box, and its length.
fn last_command(text: &str) -> Option<(usize, usize)> {
    let (boxed, framed) = (text.rfind("\\boxed"), text.rfind("\\fbox"));
    match (boxed, framed) {
        (None, None) => None,
        (boxed, framed) if boxed > framed => boxed.map(|start| (start, 6)),
        (_, framed) => framed.map(|start| (start, 5)),
    }
}

fn leading_space(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Returns what is between the opening brace at the beginning and its closing brace.
fn braced(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('{')?;
    let mut open = 1_usize;
    for (index, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Some(&inner[..index]);
        }
    }
    None
}

/// Says whether a box belongs to the one after it: they are close, or different with a comma or a word between them.
fn belongs(between: &str, content: &str, next: &str) -> bool {
    let length = between.chars().count();
    length < 10 || (content != next && length < 70 && SEPARATOR.is_match(between))
}
