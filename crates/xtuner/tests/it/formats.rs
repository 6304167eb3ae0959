//! Every format of training sets: own rows, published sets, wrong rows, and what is written reads back.

use std::path::Path;

use internlm_kit::testing::shared_data;
use internlm_model::TokenId;
use serde_json::{Value, json};
use xtuner::dataset::format::{Compat, Format, ReadOptions, WRITTEN, read, read_with, write_row};
use xtuner::dataset::{Document, Sample};

/// The documents of a file of these lines.
fn read_lines(lines: &[Value], options: &ReadOptions) -> xtuner::Result<Vec<Document>> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("set.jsonl");
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    std::fs::write(&path, lines.join("\n")).expect("writes");
    read_with(&path, options)
}

/// The only document of a row in `format`.
fn document(row: &Value, format: Format) -> Document {
    let mut documents = read_lines(std::slice::from_ref(row), &ReadOptions::new(Some(format)))
        .unwrap_or_else(|error| panic!("{error}: {row}"));
    assert_eq!(documents.len(), 1, "{row}");
    documents.remove(0)
}

/// Role, text and weight of every turn, one per line.
fn shown(document: &Document) -> String {
    let Document::Chat(conversation) = document else { panic!("{document:?}") };
    let turns = conversation.turns.iter().map(|turn| {
        let calls: Vec<&str> = turn.message.calls.iter().map(|call| call.body.as_str()).collect();
        let text = turn.message.text().replace('\n', "|");
        format!("{} {}: {text}{}", turn.message.role.name(), turn.weight, calls.concat())
    });
    turns.collect::<Vec<_>>().join("\n")
}

fn check(format: Format, row: Value, expected: &[&str]) {
    assert_eq!(shown(&document(&row, format)), expected.join("\n"), "{format}: {row}");
}

#[test]
fn columns_become_questions_and_answers() {
    let coder = "system 0: You are a professional programer. Please provide the corresponding code based on the \
                 description of Human.|";
    let sql = "system 0: If you are an expert in SQL, please generate a good SQL Query for Question based on the \
               CREATE TABLE statement.|";
    let lawyer = "system 0: 你现在是一名专业的中国律师，请根据用户的问题给出准确、有理有据的回复。|";
    let medical = "system 0: 如果你是一名医生，请根据患者的描述回答医学问题。|";
    let colorist = "system 0: You are a professional color designer. Please provide the corresponding colors based \
                    on the description of Human.|";
    let arxiv = "system 0: If you are an expert in writing papers, please generate a good paper title for this \
                 paper based on other authors' descriptions of their abstracts.|";
    check(Format::Default, json!({"input": "a", "output": "b"}), &["user 0: a", "assistant 1: b"]);
    check(
        Format::Alpaca,
        json!({"instruction": "Add.", "input": "1 1", "output": "2", "system": "s", "history": [["q", "r"]]}),
        &["system 0: s", "user 0: q", "assistant 1: r", "user 0: Add.|1 1", "assistant 1: 2"],
    );
    check(
        Format::AlpacaZh,
        json!({"instruction_zh": "加", "input_zh": "", "output_zh": "二", "instruction": "Add."}),
        &["user 0: 加", "assistant 1: 二"],
    );
    check(
        Format::OpenOrca,
        json!({"id": "1", "system_prompt": "s", "question": "q", "response": "r"}),
        &["system 0: s", "user 0: q", "assistant 1: r"],
    );
    check(
        Format::OpenOrca,
        json!({"system_prompt": "", "question": "q", "response": "r"}),
        &["user 0: q", "assistant 1: r"],
    );
    check(
        Format::CodeAlpaca,
        json!({"prompt": "q", "completion": "r"}),
        &[coder, "user 0: q", "assistant 1: r"],
    );
    check(
        Format::TinyCodes,
        json!({"prompt": "q", "response": "r"}),
        &[coder, "user 0: q", "assistant 1: r"],
    );
    check(
        Format::Sql,
        json!({"context": "CREATE", "question": "q", "answer": "r"}),
        &[sql, "user 0: CREATE|q", "assistant 1: r"],
    );
    check(
        Format::Medical,
        json!({"instruction": "q", "input": "i", "output": "r"}),
        &[medical, "user 0: q|i", "assistant 1: r"],
    );
    check(
        Format::LawReference,
        json!({"question": "q", "answer": "r"}),
        &[lawyer, "user 0: q", "assistant 1: r"],
    );
    check(
        Format::CrimeKgAssitan,
        json!({"input": "q", "output": "r"}),
        &[lawyer, "user 0: q", "assistant 1: r"],
    );
    check(
        Format::Colors,
        json!({"description": "Navy: a dark: blue ", "color": "#000080"}),
        &[colorist, "user 0: a dark: blue", "assistant 1: #000080"],
    );
    check(Format::Arxiv, json!({"abstract": "q", "title": "r"}), &[arxiv, "user 0: q", "assistant 1: r"]);
    check(Format::StackExchange, json!({"question": "q", "response": "r"}), &["user 0: q", "assistant 1: r"]);
}

#[test]
fn conversations_keep_their_turns_calls_and_weights() {
    check(
        Format::Default,
        json!({"conversation": [{"system": "s", "input": "a", "output": "b", "output_with_loss": false},
            {"input": "c", "output": "d", "need_eos_token": true, "sep": ""}]}),
        &["system 0: s", "user 0: a", "assistant 0: b", "user 0: c", "assistant 1: d"],
    );
    check(
        Format::OpenAi,
        json!([{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0},
            {"role": "user", "content": "c"}, {"role": "assistant", "content": "d", "weight": 0.5}]),
        &["user 0: a", "assistant 0: b", "user 0: c", "assistant 0.5: d"],
    );
    check(
        Format::ShareGpt,
        json!({"system": "s", "tools": "[{\"name\": \"f\"}]", "conversations": [{"from": "human", "value": "a"},
            {"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {\"x\": 1}}"},
            {"from": "observation", "value": "2"}, {"from": "gpt", "value": "b", "loss": true}]}),
        &[
            "system 0: s",
            "system 0: [{\"name\": \"f\"}]",
            "user 0: a",
            "assistant 1: {\"name\": \"f\", \"parameters\": {\"x\": 1}}",
            "environment 0: 2",
            "assistant 1: b",
        ],
    );
    check(
        Format::WizardLm,
        json!({"conversations": [{"from": "gpt", "value": "Hi"}, {"from": "human", "value": "a"},
            {"from": "gpt", "value": "b"}, {"from": "human", "value": "c"}]}),
        &["user 0: a", "assistant 1: b"],
    );
    check(
        Format::Oasst1,
        json!({"text": "### Human: a### Assistant: # T\n### Part\n### Human:b\n### Assistant: c ### Human: d"}),
        &["user 0: a", "assistant 1: # T|### Part", "user 0: b", "assistant 1: c"],
    );
    check(
        Format::MsagentReact,
        json!({"conversations": "[{'from': 'user', 'value': 'Oslo?'}, {'from': 'assistant', 'value': \
               '<|startofthink|>{\"api_name\": \"w\", \"parameters\": {\"c\": \"O\"}}<|endofthink|>'}]"}),
        &["user 0: Oslo?|", "assistant 1: Action:w|Action Input:{'c': 'O'}||"],
    );
}

#[test]
fn texts_and_ids_are_documents_of_their_own() {
    for row in [
        json!({"text": " a\nb \n"}),
        json!({"content": "a\nb"}),
        json!({"messages": [{"role": "pretrain", "content": "a\nb\n"}]}),
        json!([{"role": "pretrain", "content": "a\nb"}]),
    ] {
        assert_eq!(document(&row, Format::Pretrain), Document::Text("a\nb".to_owned()), "{row}");
    }
    let text = json!({"conversation": [{"input": "", "output": "a\nb", "need_eos_token": false}]});
    assert_eq!(document(&text, Format::Default), Document::Text("a\nb".to_owned()));

    let sample = |weights: [f32; 4]| {
        let ids = [1, 5, 0, 7].map(TokenId).to_vec();
        Document::Tokens(Sample { ids, weights: weights.to_vec() })
    };
    let signed = json!({"tokens": [-1, 5, 0, -7]});
    assert_eq!(document(&signed, Format::InternEvo), sample([0.0, 1.0, 1.0, 0.0]));
    let compat = ReadOptions::new(None).with_compat(Compat::Xtuner);
    assert_eq!(read_lines(&[signed], &compat).expect("reads"), [sample([0.0, 1.0, 0.0, 0.0])]);
    for (keys, weights) in [
        (json!({"labels": [-100, 5, 0, -100], "attention_mask": [1, 1, 1, 1]}), [0.0, 1.0, 1.0, 0.0]),
        (json!({"loss_mask": [0, 0, 1, 1]}), [0.0, 0.0, 1.0, 1.0]),
        (json!({"labels": null}), [1.0; 4]),
    ] {
        let mut row = keys;
        row["input_ids"] = json!([1, 5, 0, 7]);
        assert_eq!(document(&row, Format::Tokenized), sample(weights), "{row}");
    }
}

#[test]
fn peculiarities_are_kept_on_request() {
    let row = json!({"instruction": "Add.", "input": "", "output": "2"});
    check(Format::Alpaca, row.clone(), &["user 0: Add.", "assistant 1: 2"]);
    let compat = ReadOptions::new(None).with_compat(Compat::Xtuner);
    let kept = read_lines(&[row], &compat).expect("reads");
    assert_eq!(shown(&kept[0]), "user 0: Add.|\nassistant 1: 2");
    let row = json!({"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"},
        {"role": "assistant", "content": "c"}]});
    check(Format::OpenAi, row.clone(), &["user 0: a", "user 0: b", "assistant 1: c"]);
    assert_eq!(shown(&read_lines(&[row], &compat).expect("reads")[0]), "user 0: ab\nassistant 1: c");
}

#[test]
fn rows_without_an_answer_are_left_out() {
    let kept = json!({"instruction": "a", "output": "b"});
    let rows = [
        kept.clone(),
        json!({"instruction": "a", "output": "<nooutput>"}),
        json!({"instruction": "a", "output": ""}),
        kept,
    ];
    assert_eq!(read_lines(&rows, &ReadOptions::default()).expect("reads").len(), 2);
    let rows = [json!({"text": "### Human: a"}), json!({"text": "### Human: a### Human: b"})];
    assert!(read_lines(&rows, &ReadOptions::default()).expect("reads").is_empty());
}

#[test]
fn wrong_rows_are_refused_with_line_place_and_what_was_expected() {
    let said = |from: &str| json!({"from": from, "value": "x"});
    let cases: &[(Format, Value, &[&str])] = &[
        (
            Format::Alpaca,
            json!({"output": "x"}),
            &["missing field `instruction`", "`instruction` and `output`"],
        ),
        (Format::Alpaca, json!({"instruction": 3, "output": "x"}), &["instruction: a number", "a string"]),
        (
            Format::Alpaca,
            json!({"instruction": "a", "output": "x", "history": [["a"]]}),
            &["history.0: a list", "[[question, answer], ..]"],
        ),
        (Format::Sql, json!({"context": "a", "answer": "x"}), &["missing field `question`", "`context`"]),
        (Format::Colors, json!(3), &["a number", "an object with `description`"]),
        (
            Format::ShareGpt,
            json!({"conversations": [said("martian")]}),
            &["conversations.0.from", "human, user"],
        ),
        (
            Format::ShareGpt,
            json!({"conversations": [{"from": "gpt"}]}),
            &["conversations.0: missing field `value`"],
        ),
        (Format::ShareGpt, json!({"conversations": [said("human")]}), &["no assistant message with loss"]),
        (
            Format::ShareGpt,
            json!({"conversations": [said("human"), said("function_call")]}),
            &["conversations.1.value: text that is not JSON", "a call {\"name\""],
        ),
        (
            Format::ShareGpt,
            json!({"conversations": [said("human"), {"from": "function_call", "value":
                "{\"name\": \"f\", \"arguments\": \"\\\"{}\\\"\"}"}]}),
            &["conversations.1.tool_calls.0.function.arguments: an object that was encoded as text twice"],
        ),
        (
            Format::ShareGpt,
            json!({"tools": "f", "conversations": [said("human"), said("gpt")]}),
            &["tools: text that is not JSON"],
        ),
        (
            Format::WizardLm,
            json!({"conversations": [said("human"), said("human")]}),
            &["conversations.1: from \"human\"", "from \"gpt\""],
        ),
        (Format::Oasst1, json!({"text": "x"}), &["text: no `### Human:`", "### Assistant:"]),
        (
            Format::Default,
            json!({"conversation": [{"input": "a", "output": "b", "need_eos_token": false}]}),
            &["conversation.0.need_eos_token: false"],
        ),
        (
            Format::Default,
            json!({"conversation": [{"input": "a"}]}),
            &["conversation.0: missing field `output`"],
        ),
        (
            Format::Default,
            json!({"conversation": [{"input": "a", "output": "b", "weight": 2}]}),
            &["conversation.0: the key `weight`"],
        ),
        (Format::Pretrain, json!({"messages": [{"role": "user", "content": "a"}]}), &["the role \"user\""]),
        (Format::InternEvo, json!({"tokens": [1.5]}), &["tokens.0: 1.5", "a whole number"]),
        (
            Format::InternEvo,
            json!({"tokens": [4_294_967_296_u64]}),
            &["tokens.0: 4294967296", "at most 4294967295"],
        ),
        (Format::Tokenized, json!({"input_ids": [1, 2], "labels": [1, 3]}), &["labels.1: 3", "-100"]),
        (
            Format::Tokenized,
            json!({"input_ids": [1, 2], "labels": [1]}),
            &["labels: 1 values", "2, one for each"],
        ),
        (Format::Tokenized, json!({"input_ids": [-1]}), &["input_ids.0: -1", "at least 0"]),
        (Format::Tokenized, json!({"input_ids": [1], "position_ids": [0]}), &["`position_ids`"]),
        (Format::Tokenized, json!({"input_ids": [1], "attention_mask": [0]}), &["attention_mask: 0"]),
    ];
    for (format, row, parts) in cases {
        let filler = json!({"instruction": "", "output": ""});
        let rows = if *format == Format::Alpaca { vec![filler, row.clone()] } else { vec![row.clone()] };
        let error = read_lines(&rows, &ReadOptions::new(Some(*format))).expect_err("refused").to_string();
        let place = format!("set.jsonl: line {}: found ", rows.len());
        for part in [&[place.as_str()][..], *parts].concat() {
            assert!(error.contains(part), "{format}: expected `{part}` in {error}");
        }
    }
    let error = read_lines(&[json!({"prompt": "a", "response": "b"})], &ReadOptions::default());
    let error = error.expect_err("no doubt is left").to_string();
    assert!(
        error.contains("line 1: found the keys `prompt`, `response`, expected `dataset.format`: tiny_codes"),
        "{error}"
    );
}

#[test]
fn what_is_written_reads_back() {
    let rows = [
        (
            Format::OpenAi,
            json!({"source": "web", "tools": [{"name": "f"}], "messages": [
            {"role": "system", "content": "s"}, {"role": "user", "content": "a"},
            {"role": "assistant", "content": null, "reasoning_content": "so",
             "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {"x": 1}}}]},
            {"role": "tool", "tool_call_id": "c", "content": "2"},
            {"role": "assistant", "content": "b", "weight": 0.1}, {"role": "user", "content": "c"},
            {"role": "assistant", "content": "d", "loss": false}]}),
        ),
        (
            Format::Alpaca,
            json!({"instruction": "a", "output": "b", "system": "s", "history": [["q", "r"]], "n": 1}),
        ),
        (
            Format::Default,
            json!({"conversation": [{"system": "s", "input": "a", "output": "b",
            "output_with_loss": false}, {"input": "c", "output": "d"}]}),
        ),
        (
            Format::ShareGpt,
            json!({"tools": [{"name": "f"}], "conversations": [{"from": "human", "value": "a"},
            {"from": "function_call", "value": "[{\"name\": \"f\"}, {\"name\": \"g\"}]"},
            {"from": "observation", "value": "2"}, {"from": "gpt", "value": "b"}]}),
        ),
        (Format::Pretrain, json!({"text": "a"})),
        (Format::InternEvo, json!({"tokens": [-1, 5, 0, -7]})),
        (Format::Tokenized, json!({"input_ids": [1, 5, 0, 7], "labels": [-100, 5, 0, -100]})),
    ];
    let mut written = Vec::new();
    for (format, row) in rows {
        let document = document(&row, format);
        for target in WRITTEN {
            let Ok(row) = write_row(&document, target) else { continue };
            let again = self::document(&row, target);
            assert_eq!(shown_or_debug(&again), shown_or_debug(&document), "{format} as {target}: {row}");
            written.push((format, target));
        }
        assert!(written.contains(&(format, format)), "{format} is written as itself");
    }
    assert!(written.contains(&(Format::Alpaca, Format::ShareGpt)));
    assert!(written.contains(&(Format::Tokenized, Format::InternEvo)));
    assert!(!written.contains(&(Format::OpenAi, Format::Alpaca)), "alpaca has no place for calls");
}

/// What has to survive: ids of calls are made up where a format has none.
fn shown_or_debug(document: &Document) -> String {
    match document {
        Document::Chat(_) => shown(document),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_published_set_is_read_as_what_it_is() {
    let Some(folder) = shared_data("sft") else { return };
    let count = |name: &str, format: Option<Format>| {
        let documents = read(folder.join(name), format).unwrap_or_else(|error| panic!("{name}: {error}"));
        let learned = documents.iter().map(|document| match document {
            Document::Chat(conversation) => conversation.learned(),
            _ => 0,
        });
        (documents.len(), learned.sum::<usize>())
    };
    for (name, format, counts) in [
        ("llamafactory/alpaca_en_demo.json", Format::Alpaca, (999, 999)),
        ("llamafactory/alpaca_zh_demo.json", Format::Alpaca, (1000, 1000)),
        ("llamafactory/glaive_toolcall_zh_demo.json", Format::ShareGpt, (300, 940)),
        ("llamafactory/reason_tool_use_demo_50.jsonl", Format::OpenAi, (50, 112)),
        ("llms_from_scratch/instruction-data.json", Format::Alpaca, (1100, 1100)),
        ("llms_from_scratch/instruction-data-with-preference.json", Format::Alpaca, (1100, 1100)),
        ("xtuner/openai_sft.jsonl", Format::OpenAi, (128, 128)),
        ("xtuner/mllm_sft_text_example_data.jsonl", Format::OpenAi, (200, 314)),
        ("xtuner/pretrain_example_data.jsonl", Format::Pretrain, (3, 0)),
    ] {
        assert_eq!(count(name, Some(format)), counts, "{name}");
        assert_eq!(count(name, None), counts, "{name}, found out");
    }
    calls_of_the_published_set_are_calls(&folder);
}

/// Thoughts and calls in parts are not lost.
fn calls_of_the_published_set_are_calls(folder: &Path) {
    let documents = read(folder.join("llamafactory/reason_tool_use_demo_50.jsonl"), None).expect("reads");
    let turns = documents.iter().flat_map(|document| match document {
        Document::Chat(conversation) => conversation.turns.as_slice(),
        _ => &[],
    });
    let (mut calls, mut thoughts) = (0, 0);
    for turn in turns {
        calls += turn.message.calls.len();
        thoughts += usize::from(turn.message.fields.contains_key("reasoning_content"));
    }
    assert_eq!((calls, thoughts), (68, 112));
}

#[test]
fn a_folder_is_all_its_files_and_a_table_names_the_feature() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("creates");
        std::fs::write(path, text).expect("writes");
    };
    let error = read(folder.path(), None).expect_err("nothing there").to_string();
    assert!(error.contains("found a folder without data"), "{error}");
    write("b/part.bin", "{\"tokens\": [1, 2]}\n{\"tokens\": [1, 3]}\n");
    write("a.json", r#"[{"input": "a", "output": "b"}]"#);
    write("a.meta", "not read");
    let documents = read(folder.path(), None).expect("reads");
    let kinds: Vec<bool> = documents.iter().map(|document| matches!(document, Document::Tokens(_))).collect();
    assert_eq!(kinds, [false, true, true]);
    write("c.parquet", "PAR1 and no more");
    let error = read(folder.path(), None).expect_err("not a table").to_string();
    let expected =
        if cfg!(feature = "parquet") { "a table that cannot be read" } else { "feature `parquet`" };
    assert!(error.contains("c.parquet: found a") && error.contains(expected), "{error}");
}

#[cfg(feature = "parquet")]
#[test]
fn a_table_is_read_row_by_row() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages.parquet");
    let documents = read(&path, None).expect("reads");
    let texts: Vec<String> = documents.iter().map(shown).collect();
    let expected = [1, 2, 3].map(|n| format!("user 0: What is {n} + {n}?\nassistant 1: {}: 二倍", 2 * n));
    assert_eq!(texts, expected);
    let error = read(&path, Some(Format::Alpaca)).expect_err("other columns").to_string();
    assert!(error.contains("messages.parquet: row 1: found missing field `output`"), "{error}");
}
