//! The data manifest: files are recognized by their bytes, whatever their names are.

use std::fs;

use opencompass::dataset::{Catalog, DataState, add_data, data_files, sets_by_file, verify_data};

use crate::shared;

#[test]
fn altered_and_missing_files_are_told_apart() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::create_dir_all(folder.path().join("gsm8k")).expect("creates");
    fs::write(folder.path().join("gsm8k/test.jsonl"), "{}\n").expect("writes");
    let checks = verify_data(&[folder.path()]).expect("reads");
    assert_eq!(checks.len(), data_files().len());
    for check in checks {
        match check.state {
            DataState::Different { path, sha256 } => {
                assert_eq!(check.file.path, "gsm8k/test.jsonl");
                assert!(path.starts_with(folder.path()) && sha256 != check.file.sha256);
            }
            state => assert_eq!(state, DataState::Absent, "{}", check.file.path),
        }
    }
}

#[test]
fn a_files_name_does_not_matter() {
    let Some(data) = shared::path("eval") else { return };
    let (from, to) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::copy(data.join("piqa/validation.jsonl"), from.path().join("download (1)")).expect("copies");
    fs::write(from.path().join("notes.txt"), "not a data file").expect("writes");
    let added = add_data(from.path(), to.path()).expect("adds");
    assert_eq!(added.iter().map(|added| added.file.path).collect::<Vec<_>>(), ["piqa/validation.jsonl"]);
    assert_eq!(added[0].to, to.path().join("piqa/validation.jsonl"));
    let same = verify_data(&[to.path()])
        .expect("reads")
        .into_iter()
        .filter(|check| check.state != DataState::Absent);
    assert_eq!(same.map(|check| check.state).collect::<Vec<_>>(), [DataState::Same(added[0].to.clone())]);
    // A second time everything is in its place.
    assert_eq!(add_data(to.path(), to.path()).expect("adds").len(), 1);
}

#[test]
fn the_files_at_hand_are_the_known_ones() {
    let Some(data) = shared::path("eval") else { return };
    let checks = verify_data(&[data]).expect("reads");
    let same = checks.iter().filter(|check| matches!(check.state, DataState::Same(_))).count();
    let different = checks.iter().filter(|check| matches!(check.state, DataState::Different { .. })).count();
    assert!(same >= 90, "{same} files");
    assert_eq!(different, 0);
}

#[test]
fn every_file_knows_the_sets_that_need_it() {
    let needed = sets_by_file(&Catalog::embedded()).expect("embedded files parse");
    assert!(needed["piqa/validation.jsonl"].contains(&"piqa".to_owned()));
    assert!(needed["ceval/ceval.zip"].len() >= 104, "{}", needed["ceval/ceval.zip"].len());
}
