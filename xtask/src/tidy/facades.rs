//! A `mod.rs` is a door: the module's documentation, `mod`, `use`, and macros, which must come before what
//! uses them.

use syn::spanned::Spanned;

use super::finding::Finding;
use crate::rust::{Place, RustFile, is_test_item};

/// Checks one Rust file. The `mod.rs` of a `cli/` folder holds the program's arguments and its dispatch.
pub(super) fn check(file: &RustFile) -> Vec<Finding> {
    if file.place() != Place::Source || !file.path.ends_with("/mod.rs") || file.path.ends_with("/cli/mod.rs")
    {
        return Vec::new();
    }
    let is_door = |item: &&syn::Item| {
        matches!(item, syn::Item::Mod(_) | syn::Item::Use(_) | syn::Item::Macro(_)) || is_test_item(item)
    };
    let Some(first) = file.tree.items.iter().find(|item| !is_door(item)) else { return Vec::new() };
    let count = file.tree.items.iter().filter(|item| !is_door(item)).count();
    vec![Finding {
        path: file.path.clone(),
        line: first.span().start().line,
        rule: "mod.rs",
        message: format!("{count} item(s) are defined here, expected only documentation, `mod` and `use`"),
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        let file = RustFile::parse(path, text).expect("parses");
        check(&file).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn only_doors_are_checked() {
        let text = "//! Room.\nmod a;\npub use a::A;\npub struct B;\nfn c() {}\n";
        assert_eq!(lines("crates/a/src/b/mod.rs", text), [4]);
        for path in ["crates/a/src/b.rs", "crates/a/src/cli/mod.rs", "crates/a/tests/it/b/mod.rs"] {
            assert!(lines(path, text).is_empty(), "{path}");
        }
        assert!(
            lines("crates/a/src/b/mod.rs", "//! Room.\nmod a;\n#[cfg(test)]\nmod tests { fn t() {} }")
                .is_empty()
        );
    }
}
