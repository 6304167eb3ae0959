//! Which file names items of which other file.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::modules::{CrateModules, imports, module_path};
use crate::rust::{RustFile, is_test_item, is_test_only};

/// `(from, to)` and the first name that leads there.
pub(super) type References = BTreeMap<(usize, usize), String>;

/// The references between all files of one crate, without those of a file to its parent module's.
pub(super) fn all(files: &[&RustFile], modules: &CrateModules) -> References {
    let mut references = References::new();
    for (file, source) in files.iter().enumerate() {
        let Some(path) = module_path(&source.path) else { continue };
        let mut reader = Reader { modules, references: &mut references, file, path };
        reader.visit_file(&source.tree);
    }
    references.retain(|(from, to), _| !is_parent(&files[*to].path, &files[*from].path));
    references
}

/// Is the child's module inside the parent's? The crate's root is a parent of its direct children only.
fn is_parent(parent: &str, child: &str) -> bool {
    let (Some(parent), Some(child)) = (module_path(parent), module_path(child)) else { return false };
    child.len() > parent.len() && child.starts_with(&parent) && (!parent.is_empty() || child.len() == 1)
}

#[derive(Debug)]
struct Reader<'a> {
    modules: &'a CrateModules,
    references: &'a mut References,
    file: usize,
    path: Vec<String>,
}

impl Reader<'_> {
    fn name(&mut self, path: &[String]) {
        for to in self.modules.resolve(&self.path, path) {
            if to != self.file {
                self.references.entry((self.file, to)).or_insert_with(|| path.join("::"));
            }
        }
    }

    /// Paths inside a macro call, whose tokens have no syntax tree.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) if colons == 2 || path.is_empty() => path.push(word.to_string()),
                TokenTree::Ident(word) => {
                    self.name(&path);
                    path = vec![word.to_string()];
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                other => {
                    self.name(&path);
                    path.clear();
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
            colons = 0;
        }
        self.name(&path);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test_item(item) {
            return;
        }
        if let syn::Item::Mod(module) = item {
            self.path.push(module.ident.to_string());
            visit::visit_item(self, item);
            self.path.pop();
        } else {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test_only(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // A re-export hands on; it takes nothing.
        if matches!(item.vis, syn::Visibility::Inherited) {
            imports(&item.tree).iter().for_each(|import| self.name(&import.path));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let words: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_none() {
            self.name(&words);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    // Attributes name derives and tools, not items of this crate.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}
}
