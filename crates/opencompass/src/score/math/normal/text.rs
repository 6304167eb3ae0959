//! The steps of the normal form in their order.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::boxed::{Boxes, unboxed};
use super::repair::repaired;
use super::unit::without_units;
use super::word::replaced;
use crate::score::math::pattern::built_in;

/// The maximum length of a rewritten text in bytes. Longer text is not a formula.
const MAX_LENGTH: usize = 8192;

/// How much of a formula is rewritten.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::score::math) enum Repairs {
    /// Malformed fractions, roots and decimals are repaired: the library's default.
    All,
    /// They stay, and a chain of equations is cut to its last side: OpenCompass' setting for predictions.
    LastSide,
}

static LEFT: LazyLock<Regex> = LazyLock::new(|| {
    built_in(
        r"\\m?left(\\\{|\{|\\\||\||\[|\(|\\rbracl|\\lgroup|\\lbrace|\\lbrack|\\vert|\\lvert|\\lceil|\\lfloor|\\langle|\\llcorner|\\ulcorner)",
    )
});
static RIGHT: LazyLock<Regex> = LazyLock::new(|| {
    built_in(
        r"\\m?right(\\\}|\}|\\\||\||\]|\)|\\rbrack|\\rgroup|\\rbrace|\\vert|\\rvert|\\rceil|\\rfloor|\\rangle|\\lrcorner|\\urcorner)",
    )
});
static PERMUTATION: LazyLock<Regex> =
    LazyLock::new(|| built_in(r"\(([a-zA-Z0-9+\-*/\\ ]+?)\)_\{([a-zA-Z0-9+\-*/\\ ]+?)\}"));
static REMOVED: LazyLock<Regex> = LazyLock::new(|| {
    built_in(r#"\\mathrm\{th\}|\\!\s*|\\text\s*\{\s*\}|\\\$|\$|\\["']|["']|\\displaystyle"#)
});
static DOUBLED: LazyLock<Regex> = LazyLock::new(|| built_in(r"\\\\([a-zA-Z])"));

/// Rewrites the text of a formula.
pub(in crate::score::math) fn normalized(text: &str, boxes: Boxes, repairs: Repairs) -> String {
    let text = unboxed(text, boxes);
    if text.len() > MAX_LENGTH {
        return text.trim().to_owned();
    }
    let mut text = basic(text);
    if repairs == Repairs::LastSide {
        text = last_side(&text).to_owned();
    }
    text = without_units(text);
    if repairs == Repairs::All {
        if text.starts_with('.') {
            text.insert(0, '0');
        }
        if text == "0.5" {
            "\\frac{1}{2}".clone_into(&mut text);
        }
        text = repaired(text);
    }
    text.trim().to_owned()
}

/// Removes formatting and unifies spellings.
fn basic(mut text: String) -> String {
    if text.contains('\\') {
        text = text.replace("\\mathrm{T}", "T").replace("\\mathrm{d}", "d").replace("{\\rm d}", "d");
        text = text
            .replace("\\left[\\begin{matrix}", "\\begin{bmatrix}")
            .replace("\\end{matrix}\\right]", "\\end{bmatrix}");
        text = owned(LEFT.replace_all(&text, "$1"), &text);
        text = owned(RIGHT.replace_all(&text, "$1"), &text);
    }
    if text.contains(")_{") {
        text = owned(PERMUTATION.replace_all(&text, "\\frac{($1)!}{(($1)-($2))!}"), &text);
    }
    let kept = |found: &Captures<'_>| {
        let quoted = matches!(&found[0], "\\\"" | "\\'");
        if quoted { found[0].to_owned() } else { String::new() }
    };
    text = owned(REMOVED.replace_all(&text, kept), &text);
    text = replaced(&text).replace(['\n', '\t'], " ");
    if !text.contains("matrix") && text.contains("\\\\") {
        text = owned(DOUBLED.replace_all(&text, "\\$1"), &text);
    }
    text
}

/// Returns the rewritten text, or a copy if nothing was rewritten.
fn owned(rewritten: Cow<'_, str>, text: &str) -> String {
    match rewritten {
        Cow::Borrowed(_) => text.to_owned(),
        Cow::Owned(rewritten) => rewritten,
    }
}

/// Returns the last side of a chain of at least two equations, such as `x = 1 + 1 = 2`. Lists are not cut.
pub(in crate::score::math) fn last_side(text: &str) -> &str {
    if text.contains([',', ';']) {
        return text;
    }
    let bytes = text.as_bytes();
    let splits = |index: &usize| {
        bytes[*index] == b'=' && (*index == 0 || !matches!(bytes[*index - 1], b'\\' | b'<' | b'!' | b'>'))
    };
    let signs: Vec<usize> = (0..bytes.len()).filter(splits).collect();
    match signs.as_slice() {
        [_, .., last] => &text[last + 1..],
        _ => text,
    }
}
