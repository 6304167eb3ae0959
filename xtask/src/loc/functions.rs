//! Functions, panicking calls and documentation of one file, outside tests.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Visibility};

use crate::rust::{RustFile, doc_text, is_test_item};

/// What the syntax tree says about a file.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Functions {
    /// Lines of every function that has a body.
    pub(super) lengths: Vec<usize>,
    /// Calls of `unwrap` and `expect`.
    pub(super) panics: usize,
    /// Public items.
    pub(super) public: usize,
    /// Public items with a doc comment.
    pub(super) documented: usize,
}

impl Functions {
    /// Reads a file.
    pub(super) fn read(file: &RustFile) -> Self {
        let mut functions = Self::default();
        functions.visit_file(&file.tree);
        functions
    }

    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) {
        self.lengths.push(block.span().end().line + 1 - signature.span().start().line);
    }

    fn item(&mut self, visibility: &Visibility, attributes: &[Attribute]) {
        if matches!(visibility, Visibility::Public(_)) {
            self.public += 1;
            self.documented += usize::from(!doc_text(attributes).trim().is_empty());
        }
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test_item(item) {
            return;
        }
        match item {
            syn::Item::Const(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Enum(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Static(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Struct(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Trait(item) => self.item(&item.vis, &item.attrs),
            syn::Item::Type(item) => self.item(&item.vis, &item.attrs),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.item(&item.vis, &item.attrs);
        self.body(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.item(&item.vis, &item.attrs);
        self.body(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_field(&mut self, field: &'ast syn::Field) {
        if field.ident.is_some() {
            self.item(&field.vis, &field.attrs);
        }
        visit::visit_field(self, field);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.panics += usize::from(call.method == "unwrap" || call.method == "expect");
        visit::visit_expr_method_call(self, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_panics_and_documentation() {
        let text = "/// Doc.\npub fn f() {\n    a.unwrap().expect(\"b\")\n}\npub struct S { pub a: u8, b: u8 }\n\
                    trait T { fn g(); fn h() {} }\n#[cfg(test)]\nmod tests { fn t() { a.unwrap() } }\n";
        let functions = Functions::read(&RustFile::parse("crates/a/src/b.rs", text).expect("parses"));
        assert_eq!(functions, Functions { lengths: vec![3, 1], panics: 2, public: 3, documented: 1 });
    }
}
