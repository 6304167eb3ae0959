//! Descriptions of GGUF vocabularies against the tokenizers that are built from the same files.

use std::fs;
use std::path::PathBuf;

use internlm_model::Tokenizer;
use internlm_model::describe::Description;
use internlm_model::weights::MappedFile;
use internlm_model::weights::gguf::GgufFile;

use crate::models::{self, Pair};

const CHAT: &str = "{{ '<|im_start|>' }}{% for m in messages %}{{ m.content }}{% endfor %}";
const PLAIN: &str = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}";

/// A vocabulary of SentencePiece's kind whose last two entries are of `kind`.
fn write(folder: &tempfile::TempDir, jinja: Option<&str>, kind: i32) -> PathBuf {
    let kinds = [2, 3, 3, 1, 1, kind, kind];
    let mut pairs = vec![
        Pair::Text("tokenizer.ggml.model", "llama"),
        Pair::Texts(
            "tokenizer.ggml.tokens",
            &["<unk>", "<s>", "</s>", "a", "\u{2581}a", "<|im_start|>", "<|action_start|>"],
        ),
        Pair::Numbers("tokenizer.ggml.token_type", &kinds),
        Pair::Number("tokenizer.ggml.bos_token_id", 1),
        Pair::Number("tokenizer.ggml.eos_token_id", 2),
    ];
    pairs.extend(jinja.map(|jinja| Pair::Text("tokenizer.chat_template", jinja)));
    let path = folder.path().join("vocabulary.gguf");
    fs::write(&path, models::gguf(3, &pairs, &[])).expect("writes");
    path
}

#[test]
fn a_description_agrees_with_the_tokenizer_and_its_template() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (jinja, kind, template) in [
        (None, 3, Some("internlm2")),
        (Some(CHAT), 3, Some("internlm2")),
        (Some(PLAIN), 3, Some("jinja")),
        // Without special chat tokens only a template of the model's own can be used.
        (None, 1, None),
        (Some(CHAT), 1, Some("jinja")),
        // User-defined ones are made special when the vocabulary is read.
        (Some(CHAT), 4, Some("internlm2")),
    ] {
        let path = write(&folder, jinja, kind);
        let short = Description::of_gguf(&GgufFile::open(&path).expect("opens")).expect("describes");
        let long = Description::load(&path).expect("loads");
        let place = format!("{jinja:?}, kind {kind}");
        assert_eq!(short.template, template, "{place}");
        assert_eq!(long.template, template, "{place}");
        assert_eq!(
            (short.vocab_size, short.bos, short.eos),
            (long.vocab_size, long.bos, long.eos),
            "{place}"
        );
        assert_eq!(short.specials, long.specials, "{place}");
        assert_eq!(short.kind, "gguf llama");
    }
}

#[test]
fn a_kind_of_token_that_does_not_exist_is_refused_by_both() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for kind in [0, 7, -1] {
        let path = write(&folder, None, kind);
        let expected = format!("tokenizer.ggml.token_type[5]: found {kind}, expected 1 to 6");
        let described = Description::of_gguf(&GgufFile::open(&path).expect("opens"));
        let loaded = Tokenizer::load(&path).map(|_| ());
        for error in [described.map(|_| ()).expect_err("refused"), loaded.expect_err("refused")] {
            assert!(error.to_string().contains(&expected), "{error}");
        }
    }
}

#[test]
fn a_mapped_file_is_its_bytes() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("a");
    for bytes in [&b""[..], b"one", &[7; 100_000]] {
        fs::write(&path, bytes).expect("writes");
        let map = MappedFile::open(&path).expect("maps");
        assert!(*map == *bytes);
        // Pages that were given back come again with the same bytes.
        map.release(0..bytes.len());
        assert!(*map == *bytes);
    }
    let error = MappedFile::open(folder.path()).expect_err("a folder");
    assert_eq!(error.source.kind(), std::io::ErrorKind::IsADirectory);
    let error = MappedFile::open(folder.path().join("none")).expect_err("missing");
    assert!(error.to_string().contains("none: cannot read"), "{error}");
}
