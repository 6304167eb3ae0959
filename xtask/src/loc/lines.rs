//! Lines of one file by what is on them.

use crate::rust::{Kind, Place, RustFile, code_only, passages};

/// Counts of one file; a line with code and a comment is code.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Lines {
    /// Lines with code, outside tests.
    pub(super) code: usize,
    /// Lines with nothing but a comment, outside tests.
    pub(super) comments: usize,
    /// All lines outside tests, blank ones included.
    pub(super) all: usize,
    /// All lines inside tests.
    pub(super) tests: usize,
}

impl Lines {
    /// Counts a file. Files of tests are tests as a whole.
    pub(super) fn count(file: &RustFile) -> Self {
        let tests = file.test_ranges();
        let whole = file.place() == Place::Test;
        let comments = comment_lines(&file.text);
        let mut counts = Self::default();
        for (index, (line, code)) in file.text.lines().zip(with_strings(&file.text).lines()).enumerate() {
            let number = index + 1;
            let is_code = !code.trim().is_empty();
            if whole || tests.iter().any(|(first, last)| (*first..=*last).contains(&number)) {
                counts.tests += 1;
                continue;
            }
            counts.all += 1;
            counts.code += usize::from(is_code);
            let is_comment = !is_code && !line.trim().is_empty() && comments.contains(&number);
            counts.comments += usize::from(is_comment);
        }
        counts
    }
}

/// The numbers of lines that a comment touches.
fn comment_lines(text: &str) -> std::collections::BTreeSet<usize> {
    let comments = passages(text).into_iter().filter(|passage| passage.kind != Kind::Text);
    comments.flat_map(|passage| passage.line..=passage.line + passage.text.matches('\n').count()).collect()
}

/// The text without its comments; a line inside a string literal is code.
fn with_strings(text: &str) -> String {
    let mut lines: Vec<String> = code_only(text).lines().map(str::to_owned).collect();
    for passage in passages(text).into_iter().filter(|passage| passage.kind == Kind::Text) {
        for line in passage.line..=passage.line + passage.text.matches('\n').count() {
            lines[line - 1].push('"');
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> Lines {
        Lines::count(&RustFile::parse(path, text).expect("parses"))
    }

    #[test]
    fn every_line_is_counted_once() {
        let text = "//! Words.\n\nfn f() { // why\n    /* a\n    b */\n    g(\"x\n\ny\");\n}\n";
        let expected = Lines { code: 5, comments: 3, all: 9, tests: 0 };
        assert_eq!(count("crates/a/src/b.rs", text), expected);
    }

    #[test]
    fn tests_are_counted_apart() {
        let text = "fn f() {}\n#[cfg(test)]\nmod tests {\n    // why\n    fn g() {}\n}\n";
        let counts = count("crates/a/src/b.rs", text);
        assert_eq!((counts.code, counts.all, counts.tests), (1, 1, 5));
        let counts = count("crates/a/tests/it/b.rs", text);
        assert_eq!((counts.code, counts.tests), (0, 6));
    }
}
