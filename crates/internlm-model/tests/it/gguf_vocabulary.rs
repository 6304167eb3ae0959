//! Vocabularies inside GGUF files: equal entries, and what is said when a file leaves something open.

use std::fs;
use std::path::Path;

use internlm_model::TokenId;
use internlm_model::tokenizer::{Special, Tokenizer};

use crate::models::{self, Pair};

/// A byte-level vocabulary with one merge; `pre` names its pre-tokenizer.
fn write(path: &Path, names: &[&str], kinds: &[i32], pre: Option<&str>) {
    let mut pairs = vec![
        Pair::Text("general.architecture", "llama"),
        Pair::Text("tokenizer.ggml.model", "gpt2"),
        Pair::Texts("tokenizer.ggml.tokens", names),
        Pair::Numbers("tokenizer.ggml.token_type", kinds),
        Pair::Texts("tokenizer.ggml.merges", &["a b"]),
        Pair::Number("tokenizer.ggml.eos_token_id", 0),
        Pair::Number("tokenizer.ggml.unknown_token_id", 1),
        Pair::Number("tokenizer.ggml.padding_token_id", 0),
    ];
    pairs.extend(pre.map(|pre| Pair::Text("tokenizer.ggml.pre", pre)));
    fs::write(path, models::gguf(3, &pairs, &[])).expect("writes");
}

fn load(names: &[&str], kinds: &[i32]) -> Tokenizer {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("vocabulary.gguf");
    write(&path, names, kinds, Some("gpt-2"));
    Tokenizer::load(&path).expect("loads")
}

#[test]
fn equal_entries_are_all_there() {
    // Learned text twice, a control token twice and as learned text, learned text before a user-defined token.
    let names = ["<end>", "<unk>", "a", "b", "ab", "ab", "<x>", "<x>", "<x>", "<y>", "<y>", "ab"];
    let kinds = [3, 3, 1, 1, 1, 1, 3, 3, 1, 1, 4, 1];
    let tokenizer = load(&names, &kinds);
    assert_eq!(tokenizer.vocab_size(), names.len());
    for (id, name) in names.iter().enumerate() {
        let id = TokenId(id as u32);
        assert_eq!(tokenizer.decode(&[id], Special::Keep), *name, "{id}");
        assert_eq!(tokenizer.token(id).as_deref(), Some(*name), "{id}");
        assert_eq!(tokenizer.is_special(id), kinds[id.index()] == 3, "{id}");
        let mut stream = tokenizer.stream_decoder(Special::Keep);
        assert_eq!(stream.push(id) + &stream.finish(), *name, "{id}");
    }
    assert_eq!(tokenizer.encode("ab"), [TokenId(4)]);
    assert_eq!(tokenizer.special("<x>"), Some(TokenId(6)));
    assert_eq!(tokenizer.encode_with_special("<x>ab<y>"), [6, 4, 10].map(TokenId));
}

#[test]
fn equal_entries_of_a_sentencepiece_vocabulary_are_all_there() {
    let names = ["<unk>", "<s>", "</s>", "a", "a", "<x>", "<x>"];
    let pairs = [
        Pair::Text("tokenizer.ggml.model", "llama"),
        Pair::Texts("tokenizer.ggml.tokens", &names),
        Pair::Numbers("tokenizer.ggml.token_type", &[2, 3, 3, 1, 1, 4, 3]),
    ];
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("vocabulary.gguf");
    fs::write(&path, models::gguf(3, &pairs, &[])).expect("writes");
    let tokenizer = Tokenizer::load(&path).expect("loads");
    assert_eq!(tokenizer.vocab_size(), names.len());
    for (id, name) in names.iter().enumerate().skip(1) {
        assert_eq!(tokenizer.decode(&[TokenId(id as u32)], Special::Keep), *name, "{id}");
    }
}

#[test]
fn special_tokens_by_id_have_roles() {
    let tokenizer = load(&["<end>", "<unk>", "a", "b", "ab"], &[3, 3, 1, 1, 1]);
    let mut roles = tokenizer.special_tokens().to_vec();
    roles.sort();
    let expected = [("eos_token", "<end>"), ("pad_token", "<end>"), ("unk_token", "<unk>")];
    assert_eq!(roles, expected.map(|(key, text)| (key.to_owned(), text.to_owned())));
}

/// Names of entries, which of them are control tokens, the ids of `eot` and `eom`, and the ids that end a turn.
type Ends = (&'static [&'static str], &'static [i32], [Option<u32>; 2], &'static [u32]);

#[test]
fn turns_end_with_what_llama_cpp_takes_for_an_end() {
    let cases: [Ends; 7] = [
        (&["<eos>", "<turn|>", "[EOS]", "a"], &[3, 3, 3, 1], [None; 2], &[0, 1, 2]),
        // Learned text of such a name ends nothing; equal control tokens all do.
        (&["<x>", "<|eot_id|>", "<|eot_id|>", "<|eot_id|>"], &[3, 1, 3, 3], [None; 2], &[0, 2, 3]),
        // By role, whatever the name.
        (&["<x>", "<stop>", "<pause>", "a"], &[3, 3, 4, 1], [Some(1), Some(2)], &[0, 1, 2]),
        (&["<x>", "<|end|>", "<|return|>", "<|call|>"], &[3, 3, 3, 3], [None; 2], &[0, 2, 3]),
        (&["<x>", "<|end|>", "<|flush|>", "<|calls|>"], &[3, 3, 3, 3], [None; 2], &[0, 2, 3]),
        (&["<x>", "<|end|>", "<|return|>", "a"], &[3, 3, 3, 1], [None; 2], &[0, 1, 2]),
        (&["<x>", "</s>", "<|tool_response>", "a"], &[3, 3, 3, 1], [None; 2], &[0, 2]),
    ];
    for (names, kinds, roles, expected) in cases {
        let mut pairs = vec![
            Pair::Text("tokenizer.ggml.model", "gpt2"),
            Pair::Text("tokenizer.ggml.pre", "gpt-2"),
            Pair::Texts("tokenizer.ggml.tokens", names),
            Pair::Numbers("tokenizer.ggml.token_type", kinds),
            Pair::Texts("tokenizer.ggml.merges", &[]),
            Pair::Number("tokenizer.ggml.eos_token_id", 0),
        ];
        let keys = ["tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"];
        pairs.extend(keys.into_iter().zip(roles).filter_map(|(key, id)| Some(Pair::Number(key, id?))));
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("vocabulary.gguf");
        fs::write(&path, models::gguf(3, &pairs, &[])).expect("writes");
        let tokenizer = Tokenizer::load(&path).expect("loads");
        let expected: Vec<TokenId> = expected.iter().copied().map(TokenId).collect();
        assert_eq!(tokenizer.turn_ends(), expected, "{names:?}");
    }
}

#[cfg(all(feature = "cli", feature = "burn"))]
#[test]
fn a_pre_tokenizer_that_is_not_named_is_said_aloud_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = internlm_kit::testing::Program::new(env!("CARGO_BIN_EXE_internlm-model"), folder.path());
    let (names, kinds) = (["<end>", "<unk>", "a", "b", "ab"], [3, 3, 1, 1, 1]);
    let key = "tokenizer.ggml.pre";
    for (name, pre, said) in [
        ("open.gguf", None, 1),
        ("empty.gguf", Some(""), 1),
        ("named.gguf", Some("gpt-2"), 0),
        ("default.gguf", Some("default"), 0),
    ] {
        write(&folder.path().join(name), &names, &kinds, pre);
        for arguments in [&["tokenize", name, "--text", "ab"][..], &["inspect", name]] {
            let ran = program.run(arguments);
            assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
            assert_eq!(ran.stderr.matches(key).count(), said, "{arguments:?}: {}", ran.stderr);
            assert!(said == 0 || ran.stderr.contains("`default` is assumed"), "{}", ran.stderr);
        }
    }
    write(&folder.path().join("unknown.gguf"), &names, &kinds, Some("unheard-of"));
    let ran = program.run(["tokenize", "unknown.gguf", "--text", "ab"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.contains(key) && ran.stderr.contains("smollm"), "{}", ran.stderr);
}

#[cfg(all(feature = "cli", feature = "burn"))]
#[test]
fn an_id_beyond_the_vocabulary_is_said_aloud() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let program = internlm_kit::testing::Program::new(env!("CARGO_BIN_EXE_internlm-model"), folder.path());
    let key = "tokenizer.ggml.eos_token_id";
    for (id, said) in [(5, 1), (4, 0), (u32::MAX, 0)] {
        let pairs = [
            Pair::Text("tokenizer.ggml.model", "gpt2"),
            Pair::Text("tokenizer.ggml.pre", "gpt-2"),
            Pair::Texts("tokenizer.ggml.tokens", &["a", "b", "ab", "<x>", "<y>"]),
            Pair::Numbers("tokenizer.ggml.token_type", &[1, 1, 1, 3, 3]),
            Pair::Texts("tokenizer.ggml.merges", &["a b"]),
            Pair::Number(key, id),
        ];
        fs::write(folder.path().join("v.gguf"), models::gguf(3, &pairs, &[])).expect("writes");
        let ran = program.run(["tokenize", "v.gguf", "--text", "ab"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "[2]\n"), "{}", ran.stderr);
        assert_eq!(ran.stderr.matches(key).count(), said, "{id}: {}", ran.stderr);
    }
}

#[cfg(all(feature = "cli", feature = "burn"))]
#[test]
fn text_comes_from_standard_input() {
    let folder = tempfile::tempdir().expect("temporary folder");
    write(
        &folder.path().join("v.gguf"),
        &["<end>", "<unk>", "a", "b", "ab"],
        &[3, 3, 1, 1, 1],
        Some("gpt-2"),
    );
    let program = internlm_kit::testing::Program::new(env!("CARGO_BIN_EXE_internlm-model"), folder.path());
    let ran = program.with_input("aba").run(["tokenize", "v.gguf", "--file", "-"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "[4,2]\n"), "{}", ran.stderr);
}
