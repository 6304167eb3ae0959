//! Pieces of markdown syntax.

/// Writes `](address)`, the end of a link or an image.
pub(super) fn push_target(out: &mut String, address: &str) {
    out.push_str("](");
    if address.contains([' ', '(', ')', '<', '>', '\n']) {
        out.push('<');
        out.extend(address.chars().filter(|c| !matches!(c, '<' | '>' | '\n')));
        out.push('>');
    } else {
        out.push_str(address);
    }
    out.push(')');
}

/// Length of the longest run of `c`, for a fence that the text does not contain.
pub(super) fn longest_run(text: &str, c: char) -> usize {
    let (mut longest, mut run) = (0, 0);
    for one in text.chars() {
        run = if one == c { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
