//! The kernels in the sources, functions with `#[cube(launch)]`, and whether `xtask/kernels/kernels.toml` lists them.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use syn::visit::{self, Visit};

use crate::rust::{RustFile, files, is_test_item};

/// The list, below the root of the workspace.
pub(super) const LIST: &str = "xtask/kernels/kernels.toml";

/// Kernels that the list lacks and entries of the list without a kernel, one line each.
pub(super) fn differences(root: &Path) -> Result<Vec<String>> {
    let (listed, found) = (listed(root)?, found(root)?);
    let absent = found.difference(&listed).map(|name| format!("{LIST}: {name} is missing"));
    let extra = listed.difference(&found).map(|name| format!("{LIST}: the crates have no kernel {name}"));
    Ok(absent.chain(extra).collect())
}

fn listed(root: &Path) -> Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(root.join(LIST)).with_context(|| format!("{LIST}: cannot read"))?;
    let list: toml::Table = toml::from_str(&text).with_context(|| format!("{LIST}: not TOML"))?;
    let kernels = list.get("kernel").and_then(toml::Value::as_array).into_iter().flatten();
    let names = kernels.filter_map(|kernel| kernel.get("function")?.as_str());
    Ok(names.map(str::to_owned).collect())
}

/// Paths of all functions of the crates that launch as kernels, such as `internlm_model::kernels::device::head::soften`.
fn found(root: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for path in files(&root.join("crates"), &[".rs"])? {
        let file = RustFile::read(root, &path)?;
        found.extend(module(&file.path).map(|module| of_file(&file, module)).unwrap_or_default());
    }
    Ok(found)
}

/// The module of a library's file: `crates/a-b/src/c/mod.rs` is `["a_b", "c"]`.
fn module(path: &str) -> Option<Vec<String>> {
    let (name, file) = path.strip_prefix("crates/")?.split_once("/src/")?;
    let mut names = vec![name.replace('-', "_")];
    names.extend(file.strip_suffix(".rs")?.split('/').map(str::to_owned));
    if names.last().is_some_and(|name| name == "mod" || name == "lib") {
        names.pop();
    }
    Some(names)
}

fn of_file(file: &RustFile, module: Vec<String>) -> Vec<String> {
    let mut reader = Reader { module, found: Vec::new() };
    reader.visit_file(&file.tree);
    reader.found
}

struct Reader {
    module: Vec<String>,
    found: Vec<String>,
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test_item(item) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if item.attrs.iter().any(is_launch) {
            self.found.push(format!("{}::{}", self.module.join("::"), item.sig.ident));
        }
    }
}

/// Is it `#[cube(launch)]` or `#[cube(launch_unchecked)]`, with whatever else?
fn is_launch(attribute: &syn::Attribute) -> bool {
    let syn::Meta::List(list) = &attribute.meta else { return false };
    let words = list.tokens.to_string();
    let mut names = words.split(|c: char| !c.is_alphanumeric() && c != '_');
    list.path.is_ident("cube") && names.any(|name| name == "launch" || name == "launch_unchecked")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace;

    #[test]
    fn kernels_are_found_with_their_paths() {
        let text = "#[cube(launch)]\nfn a() {}\n#[cube]\nfn b() {}\nmod c {\n#[cube(fast_math = x, launch_unchecked)]\n\
                    pub fn d() {}\n}\n#[cfg(test)]\nmod tests {\n#[cube(launch)]\nfn e() {}\n}\n#[launch]\nfn f() {}\n";
        let file = RustFile::parse("crates/x-y/src/kernels/mod.rs", text).expect("parses");
        let module = module(&file.path).expect("a module");
        assert_eq!(of_file(&file, module), ["x_y::kernels::a", "x_y::kernels::c::d"]);
        assert_eq!(super::module("crates/x/tests/it/a.rs"), None);
    }

    /// A kernel that is not in the list meets its first compiler on a card.
    #[test]
    fn every_kernel_is_in_the_list() {
        let differences = differences(&workspace::root()).expect("the sources can be read");
        assert!(differences.is_empty(), "\n{}", differences.join("\n"));
        assert!(found(&workspace::root()).expect("reads").len() > 10);
    }
}
