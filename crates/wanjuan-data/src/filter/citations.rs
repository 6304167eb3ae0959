//! Citation marks as Wikipedia sets them.

use super::python::is_digit;

/// Cuts `[12]`, `[]`, `[edit]` and `[citation needed]`, like `re.sub(r"\[\d*]|\[edit]|\[citation needed]", "", line)`.
pub(super) fn without_citations(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('[') {
        out.push_str(&rest[..open]);
        let inside = &rest[open + 1..];
        if let Some(after) = after_citation(inside) {
            rest = after;
        } else {
            out.push('[');
            rest = inside;
        }
    }
    out.push_str(rest);
    out
}

fn after_citation(inside: &str) -> Option<&str> {
    ["edit]", "citation needed]"]
        .iter()
        .find_map(|mark| inside.strip_prefix(mark))
        .or_else(|| inside.trim_start_matches(is_digit).strip_prefix(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_cut_once() {
        let cases = [
            ("a[12] b[] c[edit] d[citation needed] e[٣]", "a b c d e"),
            ("[Edit] [12a] [ ] [note] [", "[Edit] [12a] [ ] [note] ["),
            ("[[1]] [1[2]3]", "[] [13]"),
            ("[[]2]", "[2]"),
        ];
        for (line, expected) in cases {
            assert_eq!(without_citations(line), expected);
        }
    }
}
