//! Files of a user without any configuration.

use std::fs;

use opencompass::Error;
use opencompass::dataset::{CustomKind, CustomMethod, Dataset, DatasetConfig, Mode};

#[test]
fn the_columns_say_what_a_file_is() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("writes");
        path
    };
    let choices = write("exam.csv", "question,A,B,C,answer\n1+1,1,2,3,B\n");
    let set = DatasetConfig::custom(&choices, None, None).expect("multiple choice");
    assert_eq!(
        (set.name.as_str(), set.infer.mode, set.score.post[0].name()),
        ("exam", Mode::Gen, "first_option_postprocess")
    );
    let prompt = set.prompt.rounds[0].prompt.as_deref();
    assert_eq!(prompt, Some("Question: {question}\nA. {A}\nB. {B}\nC. {C}"));
    assert_eq!(Dataset::load(set, &[""; 0]).expect("loads").test.len(), 1);
    let set = DatasetConfig::custom(&choices, None, Some(CustomMethod::Ppl)).expect("by perplexity");
    assert_eq!((set.infer.mode, set.prompt.labels.len()), (Mode::Ppl, 3));
    assert_eq!(set.problems(), [""; 0]);
    let set = DatasetConfig::custom(&choices, Some(CustomKind::Qa), None).expect("as a question");
    assert!(set.score.post.is_empty());
    let questions = write("qa.jsonl", "{\"question\": \"q\", \"answer\": \"a\"}\n");
    let set = DatasetConfig::custom(&questions, None, None).expect("questions");
    assert_eq!(set.prompt.rounds[0].prompt.as_deref(), Some("{question}"));
    assert_eq!(set.problems(), [""; 0]);
}

#[test]
fn what_does_not_fit_is_named() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (name, text, kind, method, expected) in [
        ("a.jsonl", "{\"question\": \"q\"}\n", None, None, "found the columns question, expected `answer`"),
        ("b.jsonl", "", None, None, "found no rows"),
        ("c.txt", "q", None, None, "expected .jsonl or .csv"),
        ("d.csv", "question,answer\nq,a\n", Some(CustomKind::Mcq), None, "found 0 option(s)"),
        ("e.csv", "question,answer\nq,a\n", None, Some(CustomMethod::Ppl), "found the method ppl"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("writes");
        let error = DatasetConfig::custom(&path, kind, method).expect_err(name);
        assert!(matches!(error, Error::Content { .. }) && error.to_string().contains(expected), "{error}");
    }
}
