//! MOSS's dialogues: found out from their keys, read in their own marks, masked as XTuner masks them.

use std::path::Path;

use internlm_model::Tokenizer;
use internlm_model::tokenizer::{BpeTrainConfig, Special, train_bpe};
use serde_json::{Value, json};
use xtuner::dataset::format::{Format, WRITTEN, read, write_row};
use xtuner::dataset::{Document, Sample, encode};
use xtuner::template::Template;

/// A turn with a call; every part ends with a line end, and that of the results begins with one.
fn turn(question: &str) -> Value {
    json!({
        "Human": format!("<|Human|>: {question}<eoh>\n"),
        "Inner Thoughts": "<|Inner Thoughts|>: compute<eot>\n",
        "Commands": "<|Commands|>: Calculate(\"1+1\")<eoc>\n",
        "Tool Responses": "<|Results|>:\nCalculate(\"1+1\") => 2\n<eor>\n",
        "MOSS": "<|MOSS|>: It is 2.<eom>\n",
    })
}

fn row() -> Value {
    json!({"conversation_id": 1, "meta_instruction": "You are MOSS.\n", "num_turns": 2, "category": "maths",
        "chat": {"turn_1": turn("1+1? <|im_end|>"), "turn_2": turn("二?")}})
}

fn write(folder: &Path, row: &Value) -> std::path::PathBuf {
    let path = folder.join("moss.jsonl");
    std::fs::write(&path, format!("{row}\n")).expect("writes");
    path
}

/// A vocabulary of bytes and a few special tokens.
fn tokenizer() -> Tokenizer {
    train_bpe(["hello".to_owned()].into_iter(), &BpeTrainConfig::new(265)).expect("trains a tokenizer")
}

/// The ids that weigh `weight`, as text.
fn weighing(sample: &Sample, weight: f32, tokenizer: &Tokenizer) -> String {
    let ids = sample.ids.iter().zip(&sample.weights).filter(|(_, own)| **own == weight);
    tokenizer.decode(&ids.map(|(id, _)| *id).collect::<Vec<_>>(), Special::Keep)
}

#[test]
fn everything_is_learned_but_the_instruction_and_the_results() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = write(folder.path(), &row());
    let documents = read(&path, None).expect("reads");
    assert_eq!(documents, read(&path, Some(Format::Moss)).expect("reads"));
    let tokenizer = tokenizer();
    let template = Template::named("internlm2_chat", &tokenizer).expect("a template");
    let encoded = encode(&documents, &tokenizer, &template, 4096).expect("encodes");
    let sample = &encoded.samples[0];
    let masked = "\nCalculate(\"1+1\") => 2\n".repeat(2);
    assert_eq!(weighing(sample, 0.0, &tokenizer), format!("<s>You are MOSS.\n{masked}"));
    let learned = |question: &str| {
        format!(
            "<|Human|>: {question}<eoh>\n<|Inner Thoughts|>: compute<eot>\n<|Commands|>: Calculate(\"1+1\")<eoc>\n\
             <|Results|>:<eor>\n<|MOSS|>: It is 2.<eom>\n"
        )
    };
    assert_eq!(weighing(sample, 1.0, &tokenizer), learned("1+1? <|im_end|>") + &learned("二?"));
    let specials = sample.ids.iter().filter(|id| tokenizer.is_special(**id)).count();
    assert_eq!(specials, 1, "what a person spells is text");
    let cut = encode(&documents, &tokenizer, &template, 40).expect("encodes");
    assert_eq!((cut.samples[0].ids.len(), cut.stats.truncated), (40, 1));
}

#[test]
fn numbers_of_turns_may_be_text_and_absent_parts_are_null() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut row = row();
    row["num_turns"] = json!("1");
    row["chat"] = json!({"turn_1": {"Human": "<|Human|>: Hi<eoh>\n", "Commands": null, "MOSS": "<|MOSS|>: Hi<eom>"},
        "turn_2": null});
    let documents = read(write(folder.path(), &row), None).expect("reads");
    let [Document::Marked(parts)] = documents.as_slice() else { panic!("{documents:?}") };
    let words: Vec<&str> = parts.iter().map(|part| part.words.as_str()).collect();
    assert_eq!(words, ["You are MOSS.\n", " Hi", " Hi"]);
    for format in WRITTEN {
        let (found, _) = write_row(&documents[0], format).expect_err("no format holds it");
        assert!(found.starts_with("text with marks of its own to write as"), "{found}");
    }
    row["num_turns"] = json!(0);
    row["chat"] = json!({});
    assert!(read(write(folder.path(), &row), None).expect("reads").is_empty());
}

#[test]
fn wrong_dialogues_are_refused_with_their_place() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let cases: [(&str, Value, &str); 8] = [
        ("/num_turns", json!(3), "chat: no `turn_3`, expected 3 turns"),
        ("/num_turns", json!(1), "chat.turn_2, expected 1 turns"),
        ("/num_turns", json!(1.5), "num_turns: 1.5, expected the number of turns"),
        ("/chat", json!([]), "chat: a list, expected an object of turns"),
        ("/chat/turn_1", json!("x"), "chat.turn_1: a string"),
        ("/chat/turn_1", json!({}), "chat.turn_1: no part, expected parts of a turn: Human, Inner Thoughts"),
        ("/chat/turn_2", json!({"Robot": "x"}), "chat.turn_2: the key `Robot`, expected Human"),
        (
            "/chat/turn_2/MOSS",
            json!("It is 2.<eom>"),
            "chat.turn_2.MOSS: a text without its marks, expected a text `<|MOSS|>: ..<eom>`",
        ),
    ];
    for (place, value, expected) in cases {
        let mut row = row();
        *row.pointer_mut(place).expect("a place of the row") = value;
        let error = read(write(folder.path(), &row), None).expect_err("refused").to_string();
        assert!(error.contains(&format!("moss.jsonl: line 1: found {expected}")), "{place}: {error}");
    }
}
