//! The evaluation files of the recipes are valid and name datasets that exist.

use std::path::Path;

use opencompass::dataset::Catalog;
use opencompass::summary::Subset;
use opencompass::{Error, EvaluationConfig};

#[test]
fn evaluation_recipes_are_valid() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).expect("the recipes") {
        let recipe = entry.expect("an entry").path();
        if recipe.is_dir() {
            let config = EvaluationConfig::load(recipe.join("5-evaluate.toml")).expect("a valid run file");
            names_mean_datasets(&config);
            found += 1;
        }
    }
    assert!(found >= 3, "found {found} recipes");
}

/// Datasets, ranges, the flat summary and groups; the data files are made by a run or supplied by its user.
fn names_mean_datasets(config: &EvaluationConfig) {
    // Names are looked up before any file is.
    if let Err(error) = config.datasets() {
        assert!(!matches!(error, Error::UnknownName { .. }), "{error}");
    }
    let catalog = Catalog::open(&config.run.dataset_dirs).expect("embedded files");
    let sets = catalog.find(&config.run.datasets).expect("known names");
    for name in config.group.iter().flat_map(|group| group.subsets()).map(Subset::name) {
        assert!(sets.iter().any(|set| set.name == name), "{name}");
    }
}
