//! No circles between the files of a crate: what two files share has a file of its own below both.
//!
//! A file refers to another when it names an item that the other defines, through whatever re-exports. Two
//! things do not count: re-exports themselves, and what a file takes from its parent module (`a/b.rs` from
//! `a.rs`): a type and the parts that it is made of.

mod components;
mod modules;
mod references;

use std::collections::{BTreeMap, BTreeSet};

use self::modules::CrateModules;
use super::finding::Finding;
use crate::rust::{Place, RustFile};

/// Checks the library of every crate.
pub(super) fn check(files: &[RustFile]) -> Vec<Finding> {
    let mut crates: BTreeMap<&str, Vec<&RustFile>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.place() == Place::Source) {
        if let Some((name, _)) = file.path.split_once("/src/") {
            crates.entry(name).or_default().push(file);
        }
    }
    crates.values().flat_map(|files| check_crate(files)).collect()
}

fn check_crate(files: &[&RustFile]) -> Vec<Finding> {
    let modules = CrateModules::read(files);
    let references = references::all(files, &modules);
    let edges: BTreeSet<(usize, usize)> = references.keys().copied().collect();
    components::components(files.len(), &edges)
        .into_iter()
        .map(|component| {
            let walk = components::shortest_circle(&component, &edges);
            let name = |file: usize| files[file].path.as_str();
            let short = |file: usize| name(file).split_once("/src/").map_or(name(file), |(_, rest)| rest);
            let steps: Vec<String> = walk
                .iter()
                .zip(walk.iter().cycle().skip(1))
                .map(|(from, to)| {
                    format!("{} takes `{}` from {}", short(*from), references[&(*from, *to)], short(*to))
                })
                .collect();
            let mut message = steps.join(", ");
            if component.len() > walk.len() {
                let all: Vec<&str> = component.iter().map(|file| short(*file)).collect();
                message += &format!("; {} files in all: {}", component.len(), all.join(", "));
            }
            message += "; what they share has a file of its own below them";
            Finding { path: name(component[0]).to_owned(), line: 0, rule: "circle", message }
        })
        .collect()
}

#[cfg(test)]
mod tests;
