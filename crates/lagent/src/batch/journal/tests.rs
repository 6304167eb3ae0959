//! Tests: a journal keeps what is done, whenever its writer was killed.

use std::fs;

use super::*;

fn prediction(index: usize) -> Prediction {
    Prediction {
        id: index.to_string(),
        question: "q".into(),
        answer: "1".into(),
        prediction: None,
        correct: false,
        end: "cancelled".into(),
        turns: 1,
        tool_calls: 0,
        parse_errors: 0,
        input_tokens: 1,
        output_tokens: 1,
    }
}

/// Writes what is not done yet of two questions with two steps each.
fn write(journal: &mut Journal, found: &Found) {
    for index in 0..2 {
        let known = found.transcripts.get(&index).map_or(0, Vec::len);
        for step in known..2 {
            journal.add(index, &[format!("{{\"step\": {step}}}")]).expect("adds");
        }
        if !found.finished.contains_key(&index) {
            journal.finish(index, &prediction(index)).expect("adds");
        }
    }
}

#[test]
fn a_journal_cut_anywhere_resumes_with_its_whole_lines() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join(NAME);
    let (mut journal, found) = Journal::open(folder.path(), "k", Start::Resume).expect("opens");
    assert_eq!((&found, journal.path()), (&Found::default(), path.clone()));
    write(&mut journal, &found);
    drop(journal);
    let whole = fs::read(&path).expect("reads");
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).expect("writes");
        let (mut journal, found) = Journal::open(folder.path(), "k", Start::Resume).expect("opens");
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count().saturating_sub(1);
        let known: usize = found.transcripts.values().map(Vec::len).sum();
        assert_eq!(known + found.finished.len(), lines, "cut at {cut}");
        write(&mut journal, &found);
        drop(journal);
        assert_eq!(fs::read(&path).expect("reads"), whole, "cut at {cut}");
    }
}

#[test]
fn another_batch_starts_again_and_a_second_one_is_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let open = |key, start| Journal::open(folder.path(), key, start);
    let (mut journal, _) = open("one", Start::Resume).expect("opens");
    journal.finish(0, &prediction(0)).expect("adds");
    let error = open("one", Start::Resume).expect_err("in use").to_string();
    assert!(error.contains("found another process that writes it"), "{error}");
    drop(journal);
    assert_eq!(open("other", Start::Resume).expect("opens").1, Found::default());
    let (mut journal, found) = open("one", Start::Resume).expect("opens");
    assert_eq!(found, Found::default(), "the other batch has replaced it");
    journal.finish(1, &prediction(1)).expect("adds");
    drop(journal);
    let (journal, found) = open("one", Start::Fresh).expect("opens");
    assert_eq!(found, Found::default(), "a fresh start discards what is finished");
    journal.remove().expect("removes");
    assert!(!folder.path().join(NAME).exists());
}
