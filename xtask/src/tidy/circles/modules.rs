//! The modules of a crate and what each name in them means.

use std::collections::{BTreeMap, BTreeSet};

use syn::visit::{self, Visit};

use crate::rust::{RustFile, is_test_item};

/// How far names are followed through re-exports; real chains have a handful of steps.
const MAX_STEPS: usize = 24;

/// Every module of a crate, found by the paths of its files.
#[derive(Debug, Default)]
pub(super) struct CrateModules {
    modules: BTreeMap<Vec<String>, Module>,
}

#[derive(Debug, Default)]
struct Module {
    file: usize,
    names: BTreeMap<String, BTreeSet<Meaning>>,
    globs: Vec<Vec<String>>,
}

/// What a name of a module is; one name may be several things (`mod why`, `use why::why`).
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Meaning {
    Item,
    Module,
    Alias(Vec<String>),
}

/// One leaf of a `use` declaration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Import {
    /// The name it brings into scope; `*` for all.
    pub(super) name: String,
    /// The path without the star.
    pub(super) path: Vec<String>,
}

impl CrateModules {
    /// Reads the modules of all files of one crate. Binaries are left out: nothing refers to them.
    pub(super) fn read(files: &[&RustFile]) -> Self {
        let mut modules = Self::default();
        for (file, source) in files.iter().enumerate() {
            let Some(path) = module_path(&source.path) else { continue };
            let mut reader = Reader { modules: &mut modules, file, path };
            reader.open();
            reader.visit_file(&source.tree);
        }
        modules
    }

    /// The files that define what `path` means inside `module`; none for modules and for other crates' items.
    pub(super) fn resolve(&self, module: &[String], path: &[String]) -> BTreeSet<usize> {
        self.follow(module, path, MAX_STEPS)
    }

    fn follow(&self, module: &[String], path: &[String], steps: usize) -> BTreeSet<usize> {
        let Some((first, rest)) = path.split_first() else { return BTreeSet::new() };
        if steps == 0 {
            return BTreeSet::new();
        }
        match first.as_str() {
            "crate" => self.follow(&[], rest, steps - 1),
            "self" => self.follow(module, rest, steps - 1),
            "super" => self.follow(&module[..module.len().saturating_sub(1)], rest, steps - 1),
            _ => self.look_up(module, path, steps - 1),
        }
    }

    fn look_up(&self, module: &[String], path: &[String], steps: usize) -> BTreeSet<usize> {
        let Some(scope) = self.modules.get(module) else { return BTreeSet::new() };
        let (first, rest) = (&path[0], &path[1..]);
        let mut found = BTreeSet::new();
        for meaning in scope.names.get(first).into_iter().flatten() {
            match meaning {
                Meaning::Item => {
                    found.insert(scope.file);
                }
                Meaning::Module => {
                    let inner: Vec<String> = module.iter().chain([first]).cloned().collect();
                    found.extend(self.follow(&inner, rest, steps));
                }
                Meaning::Alias(target) => {
                    let whole: Vec<String> = target.iter().chain(rest).cloned().collect();
                    found.extend(self.follow(module, &whole, steps));
                }
            }
        }
        if found.is_empty() {
            for glob in &scope.globs {
                let whole: Vec<String> = glob.iter().chain(path).cloned().collect();
                found.extend(self.follow(module, &whole, steps));
            }
        }
        found
    }
}

/// `crates/a/src/b/c.rs` is `[b, c]`, `b/mod.rs` is `[b]`, `lib.rs` is `[]`; a crate with only a `main.rs` has
/// that as its root.
pub(super) fn module_path(path: &str) -> Option<Vec<String>> {
    let (_, inside) = path.split_once("/src/")?;
    if inside.starts_with("bin/") || (inside == "main.rs" && !path.starts_with("xtask/")) {
        return None;
    }
    let stem = inside.strip_suffix(".rs")?;
    let mut parts: Vec<String> = stem.split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    Some(parts)
}

/// The leaves of a `use` tree.
pub(super) fn imports(tree: &syn::UseTree) -> Vec<Import> {
    let mut found = Vec::new();
    collect(tree, &mut Vec::new(), &mut found);
    found
}

fn collect(tree: &syn::UseTree, before: &mut Vec<String>, found: &mut Vec<Import>) {
    let mut leaf = |name: String, path: Vec<String>| found.push(Import { name, path });
    match tree {
        syn::UseTree::Path(path) => {
            before.push(path.ident.to_string());
            collect(&path.tree, before, found);
            before.pop();
        }
        syn::UseTree::Name(name) if name.ident == "self" => {
            leaf(before.last().cloned().unwrap_or_default(), before.clone());
        }
        syn::UseTree::Name(name) => {
            let name = name.ident.to_string();
            leaf(name.clone(), before.iter().cloned().chain([name]).collect());
        }
        syn::UseTree::Rename(rename) => {
            let mut path = before.clone();
            if rename.ident != "self" {
                path.push(rename.ident.to_string());
            }
            leaf(rename.rename.to_string(), path);
        }
        syn::UseTree::Glob(_) => leaf("*".to_owned(), before.clone()),
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| collect(tree, before, found)),
    }
}

#[derive(Debug)]
struct Reader<'a> {
    modules: &'a mut CrateModules,
    file: usize,
    path: Vec<String>,
}

impl Reader<'_> {
    fn open(&mut self) -> &mut Module {
        let file = self.file;
        let module = self.modules.modules.entry(self.path.clone()).or_default();
        module.file = file;
        module
    }

    fn name(&mut self, name: &syn::Ident, meaning: Meaning) {
        self.open().names.entry(name.to_string()).or_default().insert(meaning);
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if is_test_item(item) {
            return;
        }
        match item {
            syn::Item::Const(item) => self.name(&item.ident, Meaning::Item),
            syn::Item::Enum(item) => self.name(&item.ident, Meaning::Item),
            syn::Item::Fn(item) => self.name(&item.sig.ident, Meaning::Item),
            syn::Item::Static(item) => self.name(&item.ident, Meaning::Item),
            syn::Item::Struct(item) => self.name(&item.ident, Meaning::Item),
            syn::Item::Trait(item) => self.name(&item.ident, Meaning::Item),
            syn::Item::Type(item) => self.name(&item.ident, Meaning::Item),
            syn::Item::Union(item) => self.name(&item.ident, Meaning::Item),
            syn::Item::Macro(item) => {
                if let Some(name) = &item.ident {
                    self.name(name, Meaning::Item);
                }
            }
            syn::Item::Mod(item) => {
                self.name(&item.ident, Meaning::Module);
                self.path.push(item.ident.to_string());
                if item.content.is_some() {
                    self.open();
                }
                visit::visit_item_mod(self, item);
                self.path.pop();
                return;
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    // Declarations inside functions count for the whole module: nearly right, and never a missed edge.
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        for import in imports(&item.tree) {
            let module = self.open();
            if import.name == "*" {
                module.globs.push(import.path);
            } else if import.path != [import.name.clone()] {
                module.names.entry(import.name).or_default().insert(Meaning::Alias(import.path));
            }
        }
    }
}
