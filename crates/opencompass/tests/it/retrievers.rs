//! Retrievers: upstream's random and sliding choices, and what others ask a model.

use std::cell::RefCell;
use std::fs;
use std::path::Path;

use opencompass::dataset::{Dataset, DatasetConfig};
use opencompass::infer::Outcome;
use opencompass::model::{Answer, MockModel, Model, Request, ScoredText};
use opencompass::retrieve::{Retrieval, examples};
use serde_json::Value;

use crate::shared;

/// A set with as many rows as there are texts, and a retriever.
fn dataset(folder: &Path, (train, test): (&[String], &[String]), few_shot: &str) -> Dataset {
    let rows = |texts: &[String]| -> String {
        let row = |text: &String| serde_json::json!({ "q": text, "a": "yes", "labels": [text] });
        texts.iter().map(|text| format!("{}\n", row(text))).collect()
    };
    fs::write(folder.join("train.jsonl"), rows(train)).expect("writes");
    fs::write(folder.join("test.jsonl"), rows(test)).expect("writes");
    let text = format!(
        "name = \"set\"\nsource = {{ files = [\"test.jsonl\"], train_files = [\"train.jsonl\"] }}\n\
         reader = {{ input = [\"q\"], output = \"a\" }}\nscore = {{ evaluator = \"acc\" }}\n\
         infer = {{ mode = \"ppl\" }}\nfew_shot = {{ {few_shot} }}\n\
         prompt = {{ ice_token = \"</E>\", labels = {{ yes = \"</E>{{q}} yes\", no = \"</E>{{q}} no\" }} }}\n"
    );
    Dataset::load(DatasetConfig::parse(&text, "set.toml").expect("a dataset file"), &[folder]).expect("loads")
}

fn numbered(count: u64) -> Vec<String> {
    (0..count).map(|number| format!("q{number}")).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn nobody(_: &Request) -> Option<Outcome> {
    None
}

#[test]
fn random_and_sliding_choices_are_upstreams() {
    let Some(rows) = shared::lines("golden/opencompass/run/retriever.jsonl") else { return };
    assert_eq!(rows.len(), 30);
    let folder = tempfile::tempdir().expect("temporary folder");
    for row in rows {
        let number = |name: &str| row[name].as_u64().expect("a number");
        let few_shot = match row["kind"].as_str().expect("a kind") {
            "random" => {
                format!("retriever = \"random\", count = {}, seed = {}", number("k"), number("seed"))
            }
            _ => format!("retriever = \"sliding_k\", count = {}", number("k")),
        };
        let (train, test) = (numbered(number("train")), numbered(number("test")));
        let set = dataset(folder.path(), (&train, &test), &few_shot);
        let found = examples(&set, None, &nobody).expect("rules of rows alone");
        let expected: Vec<Vec<usize>> = serde_json::from_value(row["out"].clone()).expect("lists of rows");
        assert_eq!(found, Retrieval::Done(expected), "{}", row["id"]);
    }
}

#[test]
fn words_and_fields_of_knowledge_need_no_model() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let train = texts(&["a red fox", "the blue sea", "red and blue birds", "stones"]);
    let test = texts(&["The red fox jumps.", "stones"]);
    let found = |few_shot: &str| {
        let set = dataset(folder.path(), (&train, &test), few_shot);
        examples(&set, None, &nobody)
    };
    // `red` is in half of the rows and decides nothing; of equally good rows the later one comes first.
    let bm25 = found("retriever = \"bm25\", count = 2").expect("words");
    assert_eq!(bm25, Retrieval::Done(vec![vec![0, 3], vec![3, 2]]));
    let error = found("retriever = \"xiezhi\", count = 2").expect_err("no such label");
    assert!(error.contains("label The red fox jumps.: found no example"), "{error}");
    let error = found("retriever = \"random\", count = 5").expect_err("too many");
    assert_eq!(error, "count: found 5, expected at most 4, the train rows");
    let error = found("retriever = \"topk\", count = 2").expect_err("no model");
    assert!(error.contains("found no model for sentence vectors"), "{error}");
}

#[test]
fn vectors_are_asked_once_and_decide() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let train = texts(&["aaa", "bbb", "aab", "ccc"]);
    let test = texts(&["aa", "b"]);
    let model = MockModel::new("vectors", |_| unreachable!("the test answers"));
    let vector = |text: &String| {
        ["a", "b", "c"].map(|letter| text.matches(letter).count() as f32 / text.len() as f32).to_vec()
    };
    let asked = RefCell::new(0);
    let answers = |request: &Request| {
        let Request::Embed { texts } = request else { panic!("only vectors, found {request:?}") };
        *asked.borrow_mut() += 1;
        Some(Ok(Answer::Vectors { vectors: texts.iter().map(vector).collect() }))
    };
    let found = |few_shot: &str| {
        let set = dataset(folder.path(), (&train, &test), few_shot);
        let Ok(Retrieval::Waits(requests)) = examples(&set, Some(model.profile()), &nobody) else {
            panic!("requests")
        };
        assert!(!requests.is_empty());
        examples(&set, Some(model.profile()), &answers).expect("vectors are there")
    };
    assert_eq!(found("retriever = \"topk\", count = 2"), Retrieval::Done(vec![vec![0, 2], vec![1, 2]]));
    let Retrieval::Done(dpp) = found("retriever = \"dpp\", count = 2, candidates = 3") else {
        panic!("rows")
    };
    assert!(dpp.iter().all(|rows| rows.len() == 2), "{dpp:?}");
    let Retrieval::Done(votek) = found("retriever = \"votek\", count = 2") else { panic!("rows") };
    assert_eq!(votek[0], votek[1]);
    assert!(*asked.borrow() >= 5);
}

#[test]
fn likelihoods_choose_between_sets_of_examples() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let train = texts(&["aaa", "aab", "aba", "baa"]);
    let test = texts(&["aa"]);
    let corpus = ["aaa aab aba baa yes no".to_owned()];
    let config = internlm_model::tokenizer::BpeTrainConfig::new(300).with_min_frequency(1);
    let tokenizer = internlm_model::tokenizer::train_bpe(corpus.into_iter(), &config).expect("trains");
    let model = MockModel::new("scores", |_| unreachable!("the test answers"))
        .with_profile(|profile| profile.tokenizer = Some(tokenizer));
    let set = dataset(
        folder.path(),
        (&train, &test),
        "retriever = \"mdl\", count = 1, candidates = 4, select_time = 6",
    );
    let scores = RefCell::new(Vec::new());
    let answers = |request: &Request| match request {
        Request::Embed { texts } => Some(Ok(Answer::Vectors { vectors: vec![vec![1.0]; texts.len()] })),
        Request::Score { text: ScoredText::Ids(ids), from } => {
            assert!(*from > 1 && *from <= ids.len());
            scores.borrow_mut().push(ids.clone());
            let log_prob = -(ids.iter().map(|id| f64::from(id % 5)).sum::<f64>());
            Some(Ok(Answer::Scored { tokens: ids.len(), log_prob, unscored_bytes: 0 }))
        }
        other => panic!("vectors and scores, found {other:?}"),
    };
    let found = examples(&set, Some(model.profile()), &answers).expect("answers are there");
    let Retrieval::Done(rows) = found else { panic!("rows") };
    assert_eq!((rows.len(), rows[0].len()), (1, 1));
    // Six sets, two labels each.
    assert_eq!(scores.borrow().len(), 12);
    let value: Value = serde_json::json!(rows);
    assert!(value[0][0].as_u64().is_some_and(|row| row < 4));
}
