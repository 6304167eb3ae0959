//! The binary as a user runs it: help, names of arguments, outputs, exit codes.

use std::fs;
use std::path::Path;

use internlm_kit::testing::{BadInputCase, Program};
use internlm_model::weights::{SafetensorsFile, TensorSource};
use serde_json::{Value, json};

use crate::models;

const VERBS: [&str; 6] = ["inspect", "tokenize", "template", "convert", "logits", "generate"];

fn program(folder: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_internlm-model"), folder)
}

/// A folder with a model that has a vocabulary in `model/`, and inputs for the verbs.
fn workplace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    models::write_with_vocabulary(&folder.path().join("model"));
    let inputs = [
        ("ids.json", json!([1, 20, 21, 22])),
        ("lists.json", json!([[1, 20, 21], [22, 23]])),
        ("rows.json", json!([{"input_ids": [1, 20, 21, 22, 23], "cu_seqlens": [0, 3, 5]}])),
        ("chat.json", json!([{"role": "user", "content": "Hi"}])),
        ("far.json", json!([1, 9999])),
        ("far-lists.json", json!([[1], [300]])),
        ("far-rows.json", json!([{"input_ids": [299, 301], "cu_seqlens": [0, 2]}])),
        ("none.json", json!([[]])),
        ("words.json", json!(["a"])),
        ("torn.json", json!([{"input_ids": [1, 2], "cu_seqlens": [0, 3]}])),
    ];
    for (name, value) in inputs {
        fs::write(folder.path().join(name), value.to_string()).expect("writes");
    }
    folder
}

#[track_caller]
fn stdout(folder: &Path, arguments: &[&str]) -> String {
    let ran = program(folder).run(arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
    ran.stdout
}

fn json_of(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&stdout(folder, arguments)).expect("one JSON value")
}

#[test]
fn help_says_what_every_verb_and_option_does() {
    let folder = Path::new(".");
    let mut text = stdout(folder, &["--help"]);
    for verb in VERBS {
        text += &format!("\n$ internlm-model {verb} --help\n{}", stdout(folder, &[verb, "--help"]));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn every_verb_has_examples() {
    for verb in VERBS {
        let help = stdout(Path::new("."), &[verb, "--help"]);
        assert!(help.contains("Examples:\n  internlm-model "), "{verb}: {help}");
        assert!(help.contains(&format!("internlm-model {verb} ")), "{verb}: {help}");
        assert!(help.contains("<MODEL>") && !help.contains("--model"), "{verb}: MODEL has one name: {help}");
    }
}

#[test]
fn old_names_of_arguments_still_work() {
    let folder = workplace();
    let ids = |arguments: &[&str]| json_of(folder.path(), arguments)["ids"].clone();
    let new = ids(&["generate", "model", "--prompt-ids", "ids.json", "--max-tokens", "5", "--json"]);
    let old = ids(&["generate", "--model", "model", "--ids", "ids.json", "--max-new", "5", "--json"]);
    assert_eq!(new, old);
    assert_eq!(new.as_array().map(Vec::len), Some(5));
    let new = stdout(folder.path(), &["template", "model", "--chat", "chat.json", "--format", "ids"]);
    let old = stdout(folder.path(), &["template", "--model", "model", "--chat", "chat.json", "--ids"]);
    assert_eq!(new, old);
}

#[test]
fn the_model_is_given_once() {
    let folder = workplace();
    for arguments in [&["inspect"][..], &["inspect", "model", "--model", "model"]] {
        let ran = program(folder.path()).run(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ran:?}");
    }
}

#[test]
fn inspect_tells_the_shape_the_vocabulary_and_the_template() {
    let folder = workplace();
    let report = json_of(folder.path(), &["inspect", "model", "--json"]);
    assert_eq!(report["format"], "Hugging Face folder");
    assert_eq!(report["config"]["hidden"], 32);
    assert_eq!(report["tokenizer"]["kind"], "tokenizer.json");
    assert_eq!(report["template"], "internlm2");
    assert_eq!(report["problems"], json!([]));
    let tensors = report["tensors"].as_array().expect("a list");
    let count: u64 = tensors
        .iter()
        .map(|tensor| {
            let shape = tensor["shape"].as_array().expect("a shape");
            shape.iter().map(|size| size.as_u64().expect("a size")).product::<u64>()
        })
        .sum();
    assert_eq!(report["parameters"], count);
    let text = stdout(folder.path(), &["inspect", "model"]);
    assert!(text.contains(&format!("family      internlm2, parameters {count}\n")), "{text}");
}

#[test]
fn text_becomes_ids_and_ids_become_the_same_text() {
    let folder = workplace();
    let text = "Hello <|im_end|> wörld\n 42";
    let ids = json_of(folder.path(), &["tokenize", "model", "--text", text]);
    fs::write(folder.path().join("there.json"), ids.to_string()).expect("writes");
    assert_eq!(stdout(folder.path(), &["tokenize", "model", "--decode", "there.json"]), format!("{text}\n"));
    fs::write(folder.path().join("text.txt"), text).expect("writes");
    assert_eq!(json_of(folder.path(), &["tokenize", "model", "--file", "text.txt"]), ids);
    let special = json_of(folder.path(), &["tokenize", "model", "--text", text, "--special", "--bos"]);
    assert_eq!(special[0], 1);
    assert!(special.as_array().expect("a list").len() < ids.as_array().expect("a list").len());
    let lines = stdout(folder.path(), &["tokenize", "model", "--text", text, "--format", "tokens"]);
    let listed: Vec<u64> = lines
        .lines()
        .map(|line| line.split('\t').next().expect("an id").parse().expect("a number"))
        .collect();
    assert_eq!(json!(listed), ids);
}

#[test]
fn a_conversation_is_shown_as_text_and_as_the_same_ids() {
    let folder = workplace();
    let text = stdout(folder.path(), &["template", "model", "--chat", "chat.json", "--generate"]);
    assert_eq!(text, "<s><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
    let ids = json_of(
        folder.path(),
        &["template", "model", "--chat", "chat.json", "--format", "ids", "--generate"],
    );
    assert_eq!(json_of(folder.path(), &["tokenize", "model", "--text", &text, "--special"]), ids);
}

#[test]
fn a_conversation_is_read_as_a_server_reads_it() {
    let folder = workplace();
    let function = json!({"name": "add", "arguments": "{\"a\":7}"});
    let chat = json!([
        {"role": "system", "name": "<|plugin|>", "content": "[{\"name\": \"add\"}]"},
        {"role": "user", "name": "alice", "content": [{"type": "text", "text": "1+1?"}]},
        {"role": "assistant", "content": null, "tool_calls": [{"id": "a", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "a", "name": "interpreter", "content": "2"},
    ]);
    fs::write(folder.path().join("calls.json"), chat.to_string()).expect("writes");
    let expected = "<s><|im_start|>system name=<|plugin|>\n[{\"name\": \"add\"}]<|im_end|>\n\
        <|im_start|>user\n1+1?<|im_end|>\n\
        <|im_start|>assistant\n<|action_start|><|plugin|>\n{\"name\": \"add\", \"parameters\": {\"a\": 7}}<|action_end|><|im_end|>\n\
        <|im_start|>environment name=<|plugin|>\n2<|im_end|>\n";
    assert_eq!(stdout(folder.path(), &["template", "model", "--chat", "calls.json"]), expected);
    let ids = json_of(folder.path(), &["template", "model", "--chat", "calls.json", "--format", "ids"]);
    assert_eq!(json_of(folder.path(), &["tokenize", "model", "--text", expected, "--special"]), ids);
    // The same reader for every verb.
    let bad = json!([{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "[]"}}]}]);
    fs::write(folder.path().join("bad.json"), bad.to_string()).expect("writes");
    let parts: &[&str] =
        &["bad.json: expected a JSON list of messages: messages.0.tool_calls.0.function.arguments"];
    program(folder.path()).check_bad_input(&[
        BadInputCase { arguments: &["template", "model", "--chat", "bad.json"], code: 2, parts },
        BadInputCase { arguments: &["generate", "model", "--chat", "bad.json"], code: 2, parts },
    ]);
}

#[test]
fn packed_samples_have_the_logits_they_have_alone() {
    let folder = workplace();
    for (option, input, out) in
        [("--ids", "lists.json", "alone.safetensors"), ("--packed", "rows.json", "packed.safetensors")]
    {
        assert_eq!(stdout(folder.path(), &["logits", "model", option, input, "--out", out]), "");
    }
    let alone = SafetensorsFile::open(folder.path().join("alone.safetensors")).expect("opens");
    let packed = SafetensorsFile::open(folder.path().join("packed.safetensors")).expect("opens");
    assert_eq!(alone.names(), ["logits.0", "logits.1"]);
    assert_eq!(packed.names(), ["logits.0.0", "logits.0.1"]);
    for (one, other, tokens) in [("logits.0", "logits.0.0", 3), ("logits.1", "logits.0.1", 2)] {
        assert_eq!(alone.info(one).expect("is there").shape, [tokens, 300]);
        let (a, b) = (alone.read_f32(one).expect("reads"), packed.read_f32(other).expect("reads"));
        let difference = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(difference < 1e-6 && a.len() == b.len(), "{one}: {difference}");
    }
}

#[test]
fn a_generation_streams_the_text_of_its_json() {
    let folder = workplace();
    let base =
        ["generate", "model", "--prompt", "Hi", "--max-tokens", "6", "--temperature", "1", "--seed", "3"];
    let whole = json_of(folder.path(), &[&base[..], &["--json"]].concat());
    assert_eq!(whole["finish_reason"], "length");
    assert_eq!(stdout(folder.path(), &base), format!("{}\n", whole["text"].as_str().expect("a text")));
    // The seed decides.
    let again = json_of(folder.path(), &[&base[..], &["--json"]].concat());
    assert_eq!(again["ids"], whole["ids"]);
    let answer = json_of(
        folder.path(),
        &["generate", "model", "--chat", "chat.json", "--max-tokens", "3", "--greedy", "--json"],
    );
    assert!((1..=3).contains(&answer["ids"].as_array().expect("a list").len()), "{answer}");
}

#[test]
fn a_conversion_writes_into_an_empty_folder_only() {
    let folder = workplace();
    let convert = ["convert", "model", "--to", "hf-llama", "--out", "llama"];
    stdout(folder.path(), &convert);
    assert!(folder.path().join("llama/tokenizer.json").is_file());
    program(folder.path()).check_bad_input(&[BadInputCase {
        arguments: &convert,
        code: 2,
        parts: &["llama: found a folder with files, expected an empty one or --force"],
    }]);
    stdout(folder.path(), &[&convert[..], &["--force"]].concat());
    let config = fs::read_to_string(folder.path().join("llama/config.json")).expect("reads");
    assert!(config.contains("LlamaForCausalLM"));
}

#[test]
fn wrong_arguments_are_named_with_what_was_expected() {
    let folder = workplace();
    let case = |arguments: &'static [&'static str], part: &'static [&'static str]| BadInputCase {
        arguments,
        code: 2,
        parts: part,
    };
    program(folder.path()).check_bad_input(&[
        case(
            &["generate", "model", "--prompt-ids", "far.json"],
            &["far.json: element 1: found 9999, expected an id below the vocabulary's 300"],
        ),
        case(
            &["generate", "model", "--prompt-ids", "words.json"],
            &["words.json: expected a JSON list of ids", "line 1"],
        ),
        case(
            &["generate", "model", "--prompt", "a", "--temperature=-1", "--top-p", "0"],
            &["temperature: found -1, expected >= 0", "top-p: found 0, expected in (0, 1]"],
        ),
        case(&["generate", "model", "--prompt", "a", "--device", "tpu"], &["device `tpu`", "cpu, cuda:N"]),
        case(&["generate", "nowhere", "--prompt", "a"], &["nowhere"]),
        case(
            &["logits", "model", "--ids", "none.json", "--out", "x"],
            &["none.json: element 0: found no ids, expected at least one"],
        ),
        case(
            &["logits", "model", "--ids", "far-lists.json", "--out", "x"],
            &["far-lists.json: element 1: element 0: found 300, expected an id below the vocabulary's 300"],
        ),
        case(
            &["logits", "model", "--packed", "far-rows.json", "--out", "x"],
            &["far-rows.json: element 0: input_ids: element 1: found 301, expected an id below"],
        ),
        case(
            &["logits", "model", "--packed", "torn.json", "--out", "x"],
            &["torn.json: element 0: cu_seqlens: found [0, 3], expected to rise from 0 to the number of ids, 2"],
        ),
        case(
            &["template", "model", "--chat", "ids.json"],
            &["ids.json: expected a JSON list of messages", "line 1"],
        ),
        case(
            &["convert", "model", "--to", "hf-llama", "--out", "x", "--max-shard", "2TB"],
            &["--max-shard: found 2TB, expected a whole number with B, KB, MB or GB"],
        ),
        case(
            &["convert", "model", "--to", "internevo", "--out", "x", "--rope-scaling", "yarn:2"],
            &["--rope-scaling: found yarn:2, expected none or dynamic:FACTOR (>= 1)"],
        ),
        case(
            &["convert", "model", "--to", "internevo", "--tp", "3", "--out", "x"],
            &["this model has no InternEvo form", "kv-heads: found 1", "multiple of the 3"],
        ),
        case(&["inspect", "chat.json"], &["chat.json: found a file of another kind"]),
    ]);
}

#[test]
fn a_reader_that_leaves_ends_a_verb_quietly() {
    let folder = workplace();
    program(folder.path()).check_closed_output_of_every_verb(&[
        &["inspect", "model"],
        &["tokenize", "model", "--text", "a b c", "--format", "tokens"],
        &["template", "model", "--chat", "chat.json"],
        &["convert", "model", "--to", "hf-llama", "--out", "converted"],
        &["logits", "model", "--ids", "lists.json", "--out", "logits.safetensors"],
        &["generate", "model", "--prompt", "a", "--max-tokens", "4"],
    ]);
}
