//! One Rust file: its text, its syntax tree, and what part of the workspace it is.

use std::path::Path;

use anyhow::{Context, Result};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::attributes::is_test_item;

/// A parsed file.
pub(crate) struct RustFile {
    /// Path below the workspace root, with `/`.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
    /// Its syntax tree, with line numbers.
    pub(crate) tree: syn::File,
}

impl std::fmt::Debug for RustFile {
    // A syntax tree can be printed only with a feature of syn that doubles its build time.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RustFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// What part of a crate a file belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    /// `src/`: the library and its binaries.
    Source,
    /// `tests/` and `tests.rs`.
    Test,
    /// `benches/`, `examples/`, `fuzz/`, `training/`.
    Other,
}

impl RustFile {
    /// Reads the file at `path`, which is below `root`.
    pub(crate) fn read(root: &Path, path: &Path) -> Result<Self> {
        let relative = path.strip_prefix(root).expect("the walk starts at the root");
        let relative = relative.to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(path).with_context(|| format!("{relative}: cannot read"))?;
        Self::parse(relative, text)
    }

    /// Parses `text`, the content of the file at `path`.
    pub(crate) fn parse(path: impl Into<String>, text: impl Into<String>) -> Result<Self> {
        let (path, text) = (path.into(), text.into());
        let tree = syn::parse_file(&text).with_context(|| format!("{path}: cannot parse"))?;
        Ok(Self { path, text, tree })
    }

    /// Where the file is.
    pub(crate) fn place(&self) -> Place {
        place(&self.path)
    }

    /// Lines (1-based, first and last) of the items that exist only in tests.
    pub(crate) fn test_ranges(&self) -> Vec<(usize, usize)> {
        let mut reader = TestItems::default();
        reader.visit_file(&self.tree);
        reader.ranges
    }
}

fn place(path: &str) -> Place {
    let has = |folder: &str| path.contains(folder);
    if has("/tests/") || path.ends_with("/tests.rs") {
        Place::Test
    } else if ["/benches/", "/examples/", "/fuzz/", "/training/"].iter().any(|folder| has(folder))
        || path.starts_with("examples/")
    {
        Place::Other
    } else {
        Place::Source
    }
}

#[derive(Debug, Default)]
struct TestItems {
    ranges: Vec<(usize, usize)>,
}

impl<'ast> Visit<'ast> for TestItems {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test_item(item) {
            let span = item.span();
            self.ranges.push((span.start().line, span.end().line));
        } else {
            visit::visit_item(self, item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_folders() {
        assert_eq!(place("crates/a/src/b.rs"), Place::Source);
        assert_eq!(place("crates/a/src/b/tests.rs"), Place::Test);
        assert_eq!(place("crates/a/tests/it/b.rs"), Place::Test);
        assert_eq!(place("crates/a/examples/b.rs"), Place::Other);
        assert_eq!(place("examples/outside/a/src/main.rs"), Place::Other);
    }

    #[test]
    fn test_ranges_are_whole_modules() {
        let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n";
        let file = RustFile::parse("crates/a/src/b.rs", text).expect("parses");
        assert_eq!(file.test_ranges(), [(3, 6)]);
        assert!(RustFile::parse("crates/a/src/b.rs", "fn").is_err());
    }
}
