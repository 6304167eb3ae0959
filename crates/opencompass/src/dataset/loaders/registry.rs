//! The loaders by name.

use super::entry::LoaderEntry;
use super::{
    babilong, choices, circular, code_texts, contrast, exams, experiments, fields, hard_problems, invented,
    judged, labels, literal, livecode, long_documents, merge, olympiad, passages, programs, rows, ruler,
    sampled, solutions, tables, texts, winograd,
};
use crate::dataset::columns::Columns;
use crate::dataset::{Named, nearest};

/// The tables of all files.
const TABLES: &[&[LoaderEntry]] = &[
    fields::ENTRIES,
    texts::ENTRIES,
    labels::ENTRIES,
    literal::ENTRIES,
    merge::ENTRIES,
    choices::ENTRIES,
    rows::ENTRIES,
    circular::ENTRIES,
    code_texts::ENTRIES,
    contrast::ENTRIES,
    exams::ENTRIES,
    experiments::ENTRIES,
    hard_problems::ENTRIES,
    invented::ENTRIES,
    judged::ENTRIES,
    livecode::ENTRIES,
    olympiad::ENTRIES,
    passages::ENTRIES,
    programs::ENTRIES,
    sampled::ENTRIES,
    solutions::ENTRIES,
    babilong::ENTRIES,
    long_documents::ENTRIES,
    ruler::ENTRIES,
    tables::ENTRIES,
    winograd::ENTRIES,
    &[
        LoaderEntry {
            name: "needlebench",
            upstream: &[
                "NeedleBenchOriginDataset",
                "NeedleBenchMultiDataset",
                "NeedleBenchParallelDataset",
                "NeedleBenchATCDataset",
            ],
            load: crate::needle::load_rows,
        },
        LoaderEntry { name: "needle_set", upstream: &[], load: crate::needle::load_published },
        LoaderEntry { name: "needle_chain", upstream: &[], load: crate::needle::load_chains },
    ],
];

/// Returns every loader that dataset files can name.
pub fn loaders() -> impl Iterator<Item = &'static LoaderEntry> {
    TABLES.iter().copied().flatten()
}

/// Applies the loaders of a dataset file in their order. The error names the loader and the row.
pub(in crate::dataset) fn apply(named: &[Named], rows: Vec<Columns>) -> Result<Vec<Columns>, String> {
    named.iter().try_fold(rows, |rows, named| {
        let name = named.name();
        let entry = loaders().find(|entry| entry.name == name).ok_or_else(|| {
            let near = nearest(name, loaders().map(|entry| entry.name));
            let expected = near.map_or("a known one".to_owned(), |near| format!("`{near}`?"));
            format!("loader: found `{name}`, expected {expected}")
        })?;
        (entry.load)(named, rows).map_err(|message| format!("loader {name}: {message}"))
    })
}

/// Returns what is wrong with the names and arguments of loaders.
pub(in crate::dataset) fn problem(named: &[Named]) -> Option<String> {
    apply(named, Vec::new()).err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_unknown_ones_are_named() {
        let mut names: Vec<&str> = loaders().map(|entry| entry.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let problem = problem(&[Named::new("explod")]).expect("unknown");
        assert_eq!(problem, "loader: found `explod`, expected `explode`?");
        let problem = super::problem(&[Named::new("limit").with("rows", 3)]).expect("a wrong argument");
        assert!(problem.starts_with("loader limit: limit: found"), "{problem}");
    }
}
