//! A tokenizer with more ids than the embedding has rows: the model works, and only those ids do not.

use std::fs;

use internlm_kit::testing::Program;
use serde_json::{Value, json};

use crate::models;

#[test]
fn ids_beyond_the_embedding_are_refused_and_nothing_else() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let model = folder.path().join("model");
    models::write_with_vocabulary(&model);
    // The embedding has 300 rows, the vocabulary 280 entries.
    let path = model.join("tokenizer_config.json");
    let mut config: Value = serde_json::from_slice(&fs::read(&path).expect("reads")).expect("JSON");
    for id in 280..=300 {
        config["added_tokens_decoder"][id.to_string()] = json!({"content": format!("[PAD{id}]")});
    }
    fs::write(&path, config.to_string()).expect("writes");
    let program = Program::new(env!("CARGO_BIN_EXE_internlm-model"), folder.path());
    let inspected = program.run(["inspect", "model"]);
    assert_eq!(inspected.code, Some(0), "{inspected:?}");
    assert!(inspected.stderr.contains("301 ids, the embedding has 300 rows"), "{}", inspected.stderr);
    let generate =
        |prompt: &str| program.run(["generate", "model", "--prompt", prompt, "--max-tokens", "2", "--json"]);
    let ran = generate("Hi [PAD299]");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let ran = generate("Hi [PAD300]");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains("found 300, expected an id below the vocabulary's 300"), "{}", ran.stderr);
}
