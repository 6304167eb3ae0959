//! Runs as Markdown.

use super::{RecordedRun, facts, parts, shown};

/// One run as a section.
pub(super) fn section(run: &RecordedRun) -> String {
    let mut text = format!("## {}\n\n{}\n", plain(&run.header.id), plain(&facts(run)));
    for part in parts(run) {
        let (heading, body) = shown(&part);
        let fence = fence(&body);
        text.push_str(&format!("\n**{}**\n\n{fence}text\n{}\n{fence}\n", plain(&heading), body.trim_end()));
    }
    text.push('\n');
    text
}

/// A fence that is longer than every run of back quotes in the text, so that the text cannot end it.
fn fence(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// A text without a meaning in Markdown, on one line.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii_punctuation() && !",.:()-/".contains(letter) {
            plain.push('\\');
        }
        plain.push(if letter.is_control() { ' ' } else { letter });
    }
    plain
}
