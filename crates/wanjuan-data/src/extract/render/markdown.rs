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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_need_brackets_get_them() {
        let target = |address: &str| {
            let mut out = "[a".to_owned();
            push_target(&mut out, address);
            out
        };
        assert_eq!(target("/x"), "[a](/x)");
        assert_eq!(target(""), "[a]()");
        assert_eq!(target("/x y"), "[a](</x y>)");
        assert_eq!(target("/x_(y)"), "[a](</x_(y)>)");
        assert_eq!(target("/<x>\n(y)"), "[a](</x(y)>)");
    }

    #[test]
    fn runs() {
        for (text, length) in [("", 0), ("a", 0), ("`", 1), ("a``b```c`", 3), ("````", 4)] {
            assert_eq!(longest_run(text, '`'), length, "{text}");
        }
    }
}
