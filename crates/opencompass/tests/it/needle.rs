//! Needle sets: evaluators against upstream's outputs, exact lengths, and pictures.

use internlm_model::tokenizer::{BpeTrainConfig, Tokenizer, train_bpe};
use opencompass::dataset::Named;
use opencompass::needle::{
    DepthMatrix, Haystack, HeatMap, KnownNeedle, Language, Needle, NeedleConfig, NeedleRow, NeedleSources,
    Task, generate, load_rows,
};
use opencompass::score::Detail;
use serde_json::json;

use crate::shared;
use crate::text_metrics::{equals_golden, scored};

#[test]
fn needle_scores_equal_upstreams() {
    for (file, evaluator) in [
        ("NeedleBenchOriginEvaluator", "\"needle\""),
        ("NeedleBenchOriginEvaluator_trim", "{ name = \"needle\", use_trim = true }"),
        ("NeedleBenchMultiEvaluator", "\"needle_multi\""),
        ("NeedleBenchParallelEvaluator", "\"needle_parallel\""),
    ] {
        if !equals_golden(file, evaluator) {
            return;
        }
    }
}

#[test]
fn the_second_version_needs_the_keyword() {
    let gold = json!("\nThe code is 42.\n*42");
    let items = [(Some("It is 42"), gold.clone()), (Some("The code is 41."), gold.clone()), (None, gold)];
    assert!((scored("\"needle_v2\"", &items).metrics["score"] - 100.0 / 3.0).abs() < 1e-9);
    assert!(scored("\"needle\"", &items).metrics["score"] > 34.0);
    let names = [(Some(" Anna "), json!("Anna")), (Some("Bob"), json!("Anna"))];
    assert_eq!(scored("\"needle_atc\"", &names).metrics["score"], 50.0);
}

/// Text of our own with sentences of several lengths in two languages.
fn texts() -> Vec<String> {
    let sentence = |number: usize| {
        format!(
            "Chapter {number} tells of {} ships, which sailed {}.{} miles. Nobody knew why!\n第{number}章：船{}了。",
            number * 7,
            number * 13,
            number % 10,
            if number.is_multiple_of(3) { "沉" } else { "回来" }
        )
    };
    (1..400).map(sentence).collect()
}

fn own_tokenizer() -> Tokenizer {
    train_bpe(texts().into_iter(), &BpeTrainConfig::new(700)).expect("a tokenizer")
}

/// The tokenizers of the shared folder that are there, and one of our own.
fn tokenizers() -> Vec<(String, Tokenizer)> {
    let mut found = vec![("own".to_owned(), own_tokenizer())];
    for name in [
        "internlm2/tokenizer_internlm2.model",
        "llama2/tokenizer.model",
        "minimind/tokenizer.json",
        "llama_cpp_vocab/ggml-vocab-gpt-2.gguf",
        "llama_cpp_vocab/ggml-vocab-deepseek-coder.gguf",
    ] {
        if let Some(path) = shared::path(format!("tokenizers/{name}")) {
            found.push((name.to_owned(), Tokenizer::load(&path).expect("a tokenizer")));
        }
    }
    found
}

/// The essays of the shared folder, or texts of our own.
fn essays() -> Vec<String> {
    let Some(folder) = shared::path("eval/needle/PaulGrahamEssays") else { return texts() };
    let mut files: Vec<_> =
        std::fs::read_dir(folder).expect("essays").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|path| std::fs::read_to_string(path).expect("an essay")).collect()
}

#[test]
fn documents_have_exactly_the_tokens_asked_for() {
    let essays = essays();
    for (name, tokenizer) in tokenizers() {
        for texts in [&texts(), &essays] {
            let haystack = Haystack::new(texts, &tokenizer, 16_000).expect("a haystack");
            for tokens in [100, 333, 1000, 4000, 15_999] {
                for depth in [0.0, 10.0, 37.0, 50.0, 99.0, 100.0] {
                    let needles = [Needle::line("The secret number is 7391.", depth)];
                    let document = haystack.document(&needles, tokens).expect("a document");
                    assert_eq!(tokenizer.encode(&document).len(), tokens, "{name} {tokens} {depth}");
                    assert_eq!(document.matches("\nThe secret number is 7391.\n").count(), 1);
                }
            }
        }
    }
}

#[test]
fn the_longest_documents_are_exact_too() {
    let needles: Vec<Needle> = (0..=10).map(|step| Needle::line("a needle", f64::from(step * 10))).collect();
    for (name, tokenizer) in tokenizers() {
        let haystack = Haystack::new(&texts(), &tokenizer, 131_072).expect("a haystack");
        for tokens in [1024, 32_768, 131_072] {
            let document = haystack.document(&needles, tokens).expect("a document");
            assert_eq!(tokenizer.encode(&document).len(), tokens, "{name}");
            assert_eq!(document.matches("\na needle\n").count(), 11, "{name}");
        }
        let error = haystack.document(&needles, 5).expect_err("needles alone are longer").to_string();
        assert!(error.contains("length: found 5 tokens"), "{name}: {error}");
    }
}

#[test]
fn needles_stand_between_sentences_at_their_depth() {
    let tokenizer = own_tokenizer();
    let haystack = Haystack::new(&texts(), &tokenizer, 5000).expect("a haystack");
    for depth in [20_u32, 50, 80] {
        let needles = [Needle::line("HERE", f64::from(depth))];
        let document = haystack.document(&needles, 5000).expect("a document");
        let place = document.find("\nHERE\n").expect("the needle");
        let share = 100.0 * place as f64 / document.len() as f64;
        assert!((share - f64::from(depth)).abs() < 3.0, "{depth}: {share}");
        assert!(document[..place].ends_with(['.', '!', '。', '\n']), "{}", &document[..place]);
    }
}

fn sources() -> NeedleSources {
    let needle = |number: usize| KnownNeedle {
        needle: format!("The hidden gem of town {number} is stone {number}."),
        retrieval_question: format!(
            "What is the gem of town {number}? Please answer in the format 'The gem of town {number} is ______.'"
        ),
        arg1: format!("town {number}"),
        arg2: format!("stone {number}"),
        language: "English".to_owned(),
    };
    NeedleSources {
        texts: texts(),
        needles: (0..20).map(needle).collect(),
        names: (0..50).map(|number| format!("Person{number}")).collect(),
    }
}

fn rows(config: &NeedleConfig) -> Vec<NeedleRow> {
    let mut rows = Vec::new();
    let mut emit = |row: NeedleRow| {
        rows.push(row);
        Ok(())
    };
    generate(config, &sources(), Some(&own_tokenizer()), &mut emit).expect("a set");
    rows
}

fn config(task: Task) -> NeedleConfig {
    let settings = "lengths = [1500]\ndepths = [0, 50, 100]\nrepeats = 2";
    let mut config: NeedleConfig = toml::from_str(settings).expect("settings");
    config.task = task;
    config
}

#[test]
fn every_question_can_be_answered_from_its_document() {
    for task in [Task::Single, Task::Parallel, Task::Multi, Task::Trace] {
        let config = config(task);
        let rows = rows(&config);
        let expected = match task {
            Task::Single | Task::Multi => 6,
            Task::Parallel => 2,
            Task::Trace => 8,
        };
        assert_eq!(rows.len(), expected, "{task:?}");
        for row in &rows {
            let (prompt, answer) =
                (row["prompt"].as_str().expect("text"), row["answer"].as_str().expect("text"));
            match task {
                Task::Single => {
                    let (needle, keyword) = answer.split_once('*').expect("needle and keyword");
                    assert!(prompt.contains(needle) && needle.contains(keyword), "{answer}");
                }
                Task::Parallel => {
                    let (keywords, depths) = answer.split_once('#').expect("keywords and depths");
                    assert!(keywords.split('*').all(|keyword| prompt.contains(keyword)), "{answer}");
                    assert_eq!(depths, "0*50*100");
                }
                Task::Multi => assert!(prompt.contains(answer), "{answer}"),
                Task::Trace => {
                    let number = row["question_type"] == "distance";
                    assert!(
                        number == answer.parse::<usize>().is_ok() && (number || prompt.contains(answer)),
                        "{answer}"
                    );
                }
            }
            assert!(!prompt.contains("{context}") && !prompt.contains("{person}"), "{prompt}");
        }
        assert_eq!(rows, self::rows(&config), "the same settings give the same set");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    let mut few = config(Task::Parallel);
    few.depths = (0..=100).step_by(4).collect();
    let mut short = config(Task::Single);
    short.lengths = vec![500];
    let mut deep = config(Task::Multi);
    deep.depths = vec![101];
    let mut chinese = config(Task::Single);
    chinese.language = Language::Zh;
    let mut many = config(Task::Trace);
    many.needles = 60;
    for (config, part) in [
        (few, "20 different ones"),
        (short, "lengths"),
        (deep, "depths"),
        (chinese, "`Chinese`"),
        (many, "61 names"),
    ] {
        let error = generate(&config, &sources(), Some(&own_tokenizer()), &mut |_| Ok(()))
            .expect_err(part)
            .to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn rows_of_files_become_a_set() {
    let files = [
        json!({"English": "Ann,Bob,Cid"}),
        json!({"text": "One sentence. And another one.\n"}),
        json!({"needle": "The gem is red.", "retrieval_question": "What is the gem?", "arg2": "red", "language": "English"}),
    ];
    let rows: Vec<NeedleRow> = files.iter().map(|row| row.as_object().cloned().expect("an object")).collect();
    let named =
        Named::new("needlebench").with("task", "trace").with("repeats", 1).with("trace", json!(["distance"]));
    let found = load_rows(&named, rows.clone()).expect("a set");
    assert_eq!(found.len(), 1);
    assert!(found[0]["answer"].as_str().expect("text").parse::<usize>().expect("a number") >= 2);
    let error = load_rows(&Named::new("needlebench"), rows.clone()).expect_err("no tokenizer");
    assert!(error.contains("tokenizer"), "{error}");
    let error = load_rows(&Named::new("needlebench").with("size", 1), rows).expect_err("an unknown argument");
    assert!(error.contains("size"), "{error}");
}

#[test]
fn sources_are_read_from_upstreams_files() {
    let found = NeedleSources::default()
        .with_texts("{\"text\": \"one. \"}\n\n{\"text\": \"two. \"}\n")
        .and_then(|sources| sources.with_names("{\"English\": \"A B,C D\"}", Language::En))
        .expect("sources");
    assert_eq!((found.texts.len(), found.names), (2, vec!["A B".to_owned(), "C D".to_owned()]));
    let error = NeedleSources::default().with_needles("{}\n").expect_err("no needle").to_string();
    assert!(error.contains("line 1") && error.contains("needle"), "{error}");
}

#[test]
fn items_are_placed_by_their_columns() {
    let columns =
        |length: usize, depth: usize| json!({"length": length, "depth": depth}).as_object().cloned();
    let rows =
        [columns(1000, 0), columns(1000, 50), Some(NeedleRow::new())].map(|row| row.expect("an object"));
    let details = [
        Detail { score: Some(0.2), ..Detail::default() },
        Detail { correct: Some(true), ..Detail::default() },
        Detail::default(),
    ];
    assert_eq!(DepthMatrix::of_items(rows.iter().zip(&details)).csv(), "depth,1000\n0,20.00\n50,100.00\n");
}

#[test]
fn scores_become_a_matrix_and_a_picture() {
    let scores = [(1000, 0, 100.0), (1000, 50, 0.0), (2000, 0, 50.0), (2000, 50, 100.0), (2000, 50, 50.0)];
    let matrix = DepthMatrix::new(scores);
    assert_eq!(matrix.csv(), "depth,1000,2000\n0,100.00,50.00\n50,0.00,75.00\n");
    let map = HeatMap::new(&matrix, "single");
    assert!(map.svg().starts_with("<svg ") && map.svg().contains(">75.0</text>"));
    assert!(map.png().expect("a picture").starts_with(b"\x89PNG"));
}
