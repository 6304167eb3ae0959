//! Python code of HumanEval.

use std::sync::LazyLock;

use regex::Regex;

use super::fence::first_block;
use super::literal;
use super::pattern::built_in;
use super::post_entry::PostEntry;
use super::python::{before, lstrip, rstrip, strip};

/// Entries of the registry.
pub(super) const ENTRIES: &[PostEntry] = &[
    PostEntry::readings("humaneval_postprocess_v2", &[], first, fixed_first),
    PostEntry::readings("humaneval_postprocess_v3", &[], last, fixed_last),
    PostEntry::text("humaneval_internal_v1", &["humaneval_internal_v1_postprocess"], body),
    PostEntry::text("humaneval_internal_v2", &["humaneval_internal_v2_postprocess"], indented),
];

static BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)```\w*\n(.*?)```"));
/// A block whose first line may have blanks, and whose end may be missing.
static OPEN_BLOCK: LazyLock<Regex> = LazyLock::new(|| built_in(r"(?s)```[\w+-]*[ \t]*\r?\n(.*?)(?:```|\z)"));

/// The content of the first block, or the text.
fn first(text: &str) -> String {
    let block = BLOCK.captures(text).and_then(|found| found.get(1));
    lstrip(block.map_or(text, |block| block.as_str())).to_owned()
}

/// [`first`], but a block that was cut off counts, and the indentation of the first line stays.
fn fixed_first(text: &str) -> String {
    fixed_block(text, OPEN_BLOCK.captures(text).and_then(|found| found.get(1)))
}

/// How Python code begins that has no fence in front of it.
const STARTS: [&str; 6] = ["def ", "class ", "import ", "from ", "return ", "async "];

/// The content of a block, or what is before a fence that only closes: prompts often end behind the opening one.
fn fixed_block(text: &str, block: Option<regex::Match<'_>>) -> String {
    let closing = text.find("\n```").filter(|_| text.matches("```").count() == 1);
    let begins = |code: &&str| {
        let line = code.trim_start_matches(['\n', '\r']);
        line.starts_with([' ', '\t', '@']) || STARTS.iter().any(|start| line.starts_with(start))
    };
    let closed = closing.map(|end| &text[..end + 1]).filter(begins);
    let is_bare = |end: usize| text[end + 4..].lines().next().is_none_or(|rest| rest.trim().is_empty());
    let inside = match closed {
        Some(code) if closing.is_some_and(is_bare) => code,
        _ => block.map_or(text, |block| block.as_str()),
    };
    inside.trim_start_matches(['\n', '\r']).to_owned()
}

/// The content of the last block, or the text.
fn last(text: &str) -> String {
    let block = BLOCK.captures_iter(text).last().and_then(|found| found.get(1));
    lstrip(block.map_or(text, |block| block.as_str())).to_owned()
}

/// [`last`], but a block that was cut off counts, and the indentation of the first line stays.
fn fixed_last(text: &str) -> String {
    fixed_block(text, OPEN_BLOCK.captures_iter(text).last().and_then(|found| found.get(1)))
}

/// What follows the line of a place, or the whole text if that line is the last one.
fn below(text: &str, place: usize) -> &str {
    text[place..].find('\n').map_or(text, |end| &text[place + end + 1..])
}

/// The body of a function: without fences, imports and its head, indented by four spaces, up to the first line that is
/// indented less.
fn body(text: &str) -> String {
    let text = literal::evaluated(text);
    let text = text.trim_start_matches('\n');
    let text = if text.contains("```") { first_block(text) } else { text };
    let imports = ["from", "import"].iter().any(|word| strip(text).starts_with(word));
    let text = match text.find("def").filter(|_| imports) {
        Some(head) => below(text, head),
        None => text,
    };
    let lines: Vec<&str> = text.split('\n').filter(|line| !line.is_empty()).collect();
    let text = lines.join("\n");
    let text = if strip(&text).starts_with("def") {
        text.split_once('\n').map_or("", |(_, body)| body)
    } else {
        &text
    };
    let text = if text.starts_with(' ') {
        format!("    {}", lstrip(text))
    } else {
        text.split('\n').map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
    };
    up_to_dedent(&text)
}

/// The lines in front of the first one that is indented less than the first. Comments and strings do not count.
fn up_to_dedent(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut least = None;
    let end = lines.iter().position(|line| {
        if strip(line).is_empty() || strip(line).starts_with(['\'', '"', '#']) {
            return false;
        }
        let indent = rstrip(line).chars().count() - strip(line).chars().count();
        indent < *least.get_or_insert(indent)
    });
    lines[..end.unwrap_or(lines.len())].join("\n")
}

/// The lines of the completion up to the first one that is not indented.
fn indented(text: &str) -> String {
    let spaces = text.len() - text.trim_start_matches(' ').len();
    // A tokenizer may have taken one of the four spaces.
    let text = if spaces == 3 { format!(" {text}") } else { text.to_owned() };
    let completion = before(before(&text, "\n\n\n"), "\n```");
    let lines = completion.split('\n').take_while(|line| line.is_empty() || line.starts_with(' '));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_were_cut_off_count_in_the_fixed_reading() {
        let text = "Sure:\n```python\n    return 1\n";
        assert_eq!(first(text), text);
        assert_eq!(fixed_first(text), "    return 1\n");
        let text = "def f():\n    return 1\n```\n\nThis function returns 1.";
        assert_eq!(fixed_first(text), "def f():\n    return 1\n");
        let text = "```\n  a\n```\n```\n  b\n```";
        assert_eq!((first(text), last(text)), ("a\n".to_owned(), "b\n".to_owned()));
        assert_eq!((fixed_first(text), fixed_last(text)), ("  a\n".to_owned(), "  b\n".to_owned()));
    }

    #[test]
    fn bodies_end_with_the_block() {
        for (text, expected) in [
            ("```python\nimport x\ndef f(a):\n    return a\nprint(1)\n```", "    return a"),
            ("'return 1'", "    return 1"),
            ("  return 1\n  # end\nf()", "    return 1\n  # end"),
            ("x = 1\nreturn x", "    x = 1\n    return x"),
        ] {
            assert_eq!(body(text), expected, "{text}");
        }
        assert_eq!(indented("   return 1\n\nx"), "    return 1\n");
        assert_eq!(indented("    a\n\n    b\n\n\n    c"), "    a\n\n    b");
    }
}
