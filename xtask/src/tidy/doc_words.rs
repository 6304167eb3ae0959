//! Doc comments of public items say what the name does not: fewer than four words cannot.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::finding::Finding;
use crate::rust::{Place, RustFile, doc_text, is_test_item};

/// Minimum number of words in the first paragraph of a doc comment.
const MIN_WORDS: usize = 4;

/// Checks one Rust file. Missing documentation is the compiler's business (`missing_docs`).
pub(super) fn check(file: &RustFile) -> Vec<Finding> {
    if file.place() != Place::Source {
        return Vec::new();
    }
    let mut reader = Reader { path: &file.path, findings: Vec::new() };
    reader.visit_file(&file.tree);
    reader.findings
}

#[derive(Debug)]
struct Reader<'a> {
    path: &'a str,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn item(&mut self, visibility: &syn::Visibility, attributes: &[syn::Attribute], name: &syn::Ident) {
        if matches!(visibility, syn::Visibility::Public(_)) {
            self.documented(attributes, name);
        }
    }

    fn documented(&mut self, attributes: &[syn::Attribute], name: &syn::Ident) {
        let text = doc_text(attributes);
        let paragraph = first_paragraph(&text);
        let count = words(&paragraph);
        if !text.is_empty() && count < MIN_WORDS {
            let message = format!(
                "`{name}`: \"{}\" has {count} word(s), expected at least {MIN_WORDS}: unit, default, invariant or reason",
                paragraph.trim()
            );
            let line = name.span().start().line;
            self.findings.push(Finding { path: self.path.to_owned(), line, rule: "doc words", message });
        }
    }
}

/// Its lines as one.
fn first_paragraph(text: &str) -> String {
    let lines = text.trim().lines().map(str::trim).take_while(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(" ")
}

/// Words are what has a letter or a digit in it.
fn words(text: &str) -> usize {
    text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test_item(item) {
            return;
        }
        match item {
            syn::Item::Const(item) => self.item(&item.vis, &item.attrs, &item.ident),
            syn::Item::Enum(item) => self.item(&item.vis, &item.attrs, &item.ident),
            syn::Item::Fn(item) => self.item(&item.vis, &item.attrs, &item.sig.ident),
            syn::Item::Static(item) => self.item(&item.vis, &item.attrs, &item.ident),
            syn::Item::Struct(item) => self.item(&item.vis, &item.attrs, &item.ident),
            syn::Item::Trait(item) => self.item(&item.vis, &item.attrs, &item.ident),
            syn::Item::Type(item) => self.item(&item.vis, &item.attrs, &item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.item(&item.vis, &item.attrs, &item.sig.ident);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.item(&item.vis, &item.attrs, &item.ident);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if let Some(name) = &field.ident {
            self.item(&field.vis, &field.attrs, name);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        for variant in item.variants.iter().filter(|_| matches!(item.vis, syn::Visibility::Public(_))) {
            self.documented(&variant.attrs, &variant.ident);
            for field in &variant.fields {
                let name = field.ident.clone().unwrap_or_else(|| syn::Ident::new("field", field.span()));
                self.documented(&field.attrs, &name);
            }
        }
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        for part in item.items.iter().filter(|_| matches!(item.vis, syn::Visibility::Public(_))) {
            if let syn::TraitItem::Fn(function) = part {
                self.documented(&function.attrs, &function.sig.ident);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        let file = RustFile::parse("crates/a/src/b.rs", text).expect("parses");
        check(&file).into_iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn stubs_of_public_items_are_found() {
        assert_eq!(lines("/// The stage.\npub fn stage() {}"), [2]);
        assert_eq!(lines("pub struct A {\n/// Why.\npub why: u8,\n/// Which.\nwhich: u8 }"), [3]);
        assert_eq!(lines("pub enum A {\n/// The file.\nB {\n/// Path.\npath: u8 } }"), [3, 5]);
        assert_eq!(lines("pub trait A {\n/// Runs.\nfn run(); }"), [3]);
        assert_eq!(lines("impl A {\n/// One — two.\npub fn run() {}\n/// One.\nfn own() {} }"), [3]);
    }

    #[test]
    fn the_first_paragraph_counts_and_private_items_do_not() {
        assert_eq!(lines("/// Runs it.\n///\n/// # Errors\n/// When it cannot run.\npub fn run() {}"), [5]);
        assert!(lines("/// Seconds since the last\n/// step.\npub fn run() {}").is_empty());
        assert!(lines("/// Stub.\npub(crate) fn run() {}\npub fn undocumented() {}").is_empty());
        assert!(
            lines("enum A {\n/// B.\nB }\n#[cfg(test)]\nmod tests {\n/// T.\npub fn t() {} }").is_empty()
        );
    }
}
