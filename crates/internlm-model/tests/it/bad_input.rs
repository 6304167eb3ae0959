//! Broken files: one clear message with file, found and expected, exit code 2, no panic.

use std::fs;
use std::path::Path;

use internlm_kit::testing::{BadInputCase, Program};
use serde_json::json;

use crate::models::{self, Pair};

/// One row: what is broken, how it is made, what the message must name.
struct Case {
    name: &'static str,
    make: fn(&Path),
    /// Path inside of the folder to inspect; empty for the folder itself.
    target: &'static str,
    expect: &'static [&'static str],
}

fn put(dir: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    fs::write(dir.join(name), bytes).expect("writes");
}

/// The weights with one change to the list of tensors.
fn reshape(dir: &Path, change: fn(&mut Vec<(String, Vec<usize>)>)) {
    let mut tensors = models::tensors();
    change(&mut tensors);
    put(dir, "model.safetensors", models::safetensors(&tensors));
}

fn config_with(dir: &Path, key: &str, value: serde_json::Value) {
    let mut config = models::config();
    config[key] = value;
    put(dir, "config.json", config.to_string());
}

/// A safetensors file of tensors `a` and `b`, of one number each, at these offsets.
fn two_tensors(offsets: [[usize; 2]; 2], length: usize) -> Vec<u8> {
    let tensor = |offsets: [usize; 2]| json!({"dtype": "F32", "shape": [1], "data_offsets": offsets});
    let header = json!({"a": tensor(offsets[0]), "b": tensor(offsets[1])}).to_string();
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; length]].concat()
}

const CASES: &[Case] = &[
    Case { name: "nothing there", make: |_| {}, target: "nowhere", expect: &["nowhere", "cannot read"] },
    Case {
        name: "no config",
        make: |dir| fs::remove_file(dir.join("config.json")).expect("removes"),
        target: "",
        expect: &["config.json", "cannot read"],
    },
    Case {
        name: "config is not JSON",
        make: |dir| put(dir, "config.json", "{\"hidden_size\": 8,"),
        target: "",
        expect: &["config.json", "line 1", "expected a JSON object"],
    },
    Case {
        name: "unknown architecture",
        make: |dir| config_with(dir, "architectures", json!(["GPT2LMHeadModel"])),
        target: "",
        expect: &[
            "config.json",
            "architectures[0]",
            "GPT2LMHeadModel",
            "InternLM2ForCausalLM",
            "LlamaForCausalLM",
        ],
    },
    Case {
        name: "heads do not fit",
        make: |dir| config_with(dir, "num_key_value_heads", json!(3)),
        target: "",
        expect: &["config.json", "kv-heads: found 3", "heads 2"],
    },
    Case {
        name: "no weights",
        make: |dir| fs::remove_file(dir.join("model.safetensors")).expect("removes"),
        target: "",
        expect: &["found no weights", "model.safetensors.index.json"],
    },
    Case {
        name: "shards without an index",
        make: |dir| {
            let shard = dir.join("model-00001-of-00001.safetensors");
            fs::rename(dir.join("model.safetensors"), shard).expect("renames");
        },
        target: "",
        expect: &["other files of weights are there: model-00001-of-00001.safetensors"],
    },
    Case {
        name: "a pointer in place of the config",
        make: |dir| {
            put(dir, "config.json", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n");
        },
        target: "",
        expect: &["config.json: found a Git LFS pointer to a file of 7 bytes"],
    },
    Case {
        name: "a web page in place of the index",
        make: |dir| put(dir, "model.safetensors.index.json", "<!DOCTYPE html>\n<html>"),
        target: "",
        expect: &["model.safetensors.index.json: found a web page"],
    },
    Case {
        name: "a shard that was cut",
        make: |dir| {
            let bytes = models::safetensors(&models::tensors());
            put(dir, "a.safetensors", &bytes[..bytes.len() - 600]);
            let map = json!({"model.norm.weight": "a.safetensors"});
            put(dir, "model.safetensors.index.json", json!({"weight_map": map}).to_string());
        },
        target: "",
        expect: &[": a.safetensors: truncated: the file has "],
    },
    Case {
        name: "empty weights",
        make: |dir| put(dir, "model.safetensors", ""),
        target: "",
        expect: &["model.safetensors", "at byte 0", "0 bytes, expected at least 8"],
    },
    Case {
        name: "header shorter than declared",
        make: |dir| put(dir, "model.safetensors", [&1000_u64.to_le_bytes()[..], b"{}"].concat()),
        target: "",
        expect: &["model.safetensors", "truncated: the file has 10 bytes, its header promises 1008"],
    },
    Case {
        name: "absurd header length",
        make: |dir| put(dir, "model.safetensors", [0xff; 16]),
        target: "",
        expect: &["model.safetensors", "header length", "not a safetensors file"],
    },
    Case {
        name: "header is not JSON",
        make: |dir| put(dir, "model.safetensors", [&2_u64.to_le_bytes()[..], b"[]"].concat()),
        target: "",
        expect: &["model.safetensors", "at byte 8", "not a JSON object"],
    },
    Case {
        name: "data cut off",
        make: |dir| {
            let bytes = models::safetensors(&models::tensors());
            put(dir, "model.safetensors", &bytes[..bytes.len() - 600]);
        },
        target: "",
        expect: &["model.safetensors: truncated: the file has ", " bytes, its header promises "],
    },
    Case {
        name: "wrong and missing tensors, all at once",
        make: |dir| {
            reshape(dir, |tensors| {
                tensors[0].1 = vec![16, 9];
                tensors.retain(|(name, _)| name != "model.norm.weight");
            });
        },
        target: "",
        expect: &[
            "model.safetensors: tensor model.tok_embeddings.weight: found shape [16, 9], expected [16, 8]",
            "tensor model.norm.weight: missing, expected [8]",
            "2 problems in the weights",
        ],
    },
    Case {
        name: "a shard is missing and another lacks a tensor",
        make: |dir| {
            put(dir, "a.safetensors", models::safetensors(&models::tensors()[..1]));
            let map = json!({"model.tok_embeddings.weight": "a.safetensors", "x": "a.safetensors",
                "output.weight": "b.safetensors", "y": "../c.safetensors"});
            put(dir, "model.safetensors.index.json", json!({"weight_map": map}).to_string());
        },
        target: "",
        expect: &[
            "1 of 3 files that model.safetensors.index.json lists are missing: b.safetensors",
            "a.safetensors: tensor x: missing",
            "`../c.safetensors`",
        ],
    },
    Case {
        name: "index without a map",
        make: |dir| put(dir, "model.safetensors.index.json", "{}"),
        target: "",
        expect: &["model.safetensors.index.json", "weight_map"],
    },
    Case {
        name: "tokenizer.json is not JSON",
        make: |dir| put(dir, "tokenizer.json", "{"),
        target: "",
        expect: &["tokenizer.json", "line 1"],
    },
    Case {
        name: "tokenizer.json without a model",
        make: |dir| put(dir, "tokenizer.json", "{\"version\": \"1.0\"}"),
        target: "",
        expect: &["tokenizer.json", "Model missing"],
    },
    Case {
        name: "tokenizer.json with an absurd id",
        make: |dir| {
            let json = json!({"version": "1.0", "added_tokens": [], "decoder": {"type": "ByteLevel",
                "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
                "model": {"type": "BPE", "vocab": {"a": 4_000_000_000_u32}, "merges": []}});
            put(dir, "tokenizer.json", json.to_string());
        },
        target: "",
        expect: &["tokenizer.json", "found id 4000000000 among 1 entries"],
    },
    Case {
        name: "tokenizer.model is something else",
        make: |dir| put(dir, "tokenizer.model", "just some text\n"),
        target: "",
        expect: &["tokenizer.model", "at byte", "not a SentencePiece model"],
    },
    Case {
        name: "a file of another kind",
        make: |dir| put(dir, "x.bin", "hello"),
        target: "x.bin",
        expect: &["x.bin", "expected a model folder or a GGUF file"],
    },
    Case {
        name: "a name of a hub",
        make: |_| {},
        target: "internlm/internlm2-chat-7b",
        expect: &["internlm/internlm2-chat-7b: cannot read", "Models are not downloaded"],
    },
    Case {
        name: "a Git LFS pointer",
        make: |dir| {
            let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1234567\n";
            put(dir, "model.safetensors", pointer);
        },
        target: "",
        expect: &["model.safetensors: found a Git LFS pointer to a file of 1234567 bytes", "git lfs pull"],
    },
    Case {
        name: "a web page",
        make: |dir| put(dir, "x.gguf", "<!DOCTYPE html><html><body>404</body></html>"),
        target: "x.gguf",
        expect: &["x.gguf: found a web page", "expected a GGUF file"],
    },
    Case {
        name: "a zip archive",
        make: |dir| put(dir, "x.gguf", b"PK\x03\x04rest"),
        target: "x.gguf",
        expect: &["x.gguf: found a zip archive or a PyTorch checkpoint, expected a GGUF file"],
    },
    Case {
        name: "safetensors alone",
        make: |_| {},
        target: "model.safetensors",
        expect: &["model.safetensors: found a safetensors file, expected a model folder or a GGUF file"],
    },
    Case {
        name: "GGUF as safetensors",
        make: |dir| put(dir, "model.safetensors", models::gguf(3, &[], &[])),
        target: "",
        expect: &["model.safetensors: found a GGUF file, expected a safetensors file"],
    },
    Case {
        name: "a folder of GGUF files",
        make: |dir| {
            fs::create_dir(dir.join("parts")).expect("creates");
            put(&dir.join("parts"), "x-00001-of-00002.gguf", models::gguf(3, &[], &[]));
        },
        target: "parts",
        expect: &[
            "found a folder of GGUF files, such as parts/x-00001-of-00002.gguf, expected a model folder",
        ],
    },
    Case {
        name: "an adapter",
        make: |dir| {
            fs::create_dir(dir.join("adapter")).expect("creates");
            put(&dir.join("adapter"), "adapter_config.json", "{}");
        },
        target: "adapter",
        expect: &[
            "adapter: found a LoRA adapter, which has to be merged into its model, expected a model folder",
        ],
    },
    Case {
        name: "bytes behind the last tensor",
        make: |dir| {
            let bytes = models::safetensors(&models::tensors());
            put(dir, "model.safetensors", [&bytes[..], &[0; 64]].concat());
        },
        target: "",
        expect: &["model.safetensors: found 64 bytes behind the last tensor"],
    },
    Case {
        name: "a hole between tensors",
        make: |dir| put(dir, "model.safetensors", two_tensors([[0, 4], [8, 12]], 12)),
        target: "",
        expect: &[
            "model.safetensors: tensor b: found data offsets [8, 12], expected them to begin at 4",
            "a hole",
        ],
    },
    Case {
        name: "tensors that overlap",
        make: |dir| put(dir, "model.safetensors", two_tensors([[0, 4], [0, 4]], 4)),
        target: "",
        expect: &["model.safetensors: tensor b: found data offsets [0, 4]", "overlaps"],
    },
    Case {
        name: "two tensors of one name",
        make: |dir| {
            let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
                "a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
            let length = (header.len() as u64).to_le_bytes();
            put(dir, "model.safetensors", [&length[..], header, &[0; 8]].concat());
        },
        target: "",
        expect: &["model.safetensors: tensor a: found twice in the header"],
    },
    Case {
        name: "tensors that the model does not use",
        make: |dir| {
            reshape(dir, |tensors| {
                tensors.extend(
                    [0, 1, 2, 3].map(|head| (format!("model.layers.0.attention.q_norm.{head}"), vec![4])),
                );
                tensors.push(("model.layers.0.attention.rotary_emb.inv_freq".to_owned(), vec![2]));
                // A bias of zeros, as quantizers and old exporters store it.
                tensors.push(("model.layers.0.attention.wo.bias".to_owned(), vec![8]));
            });
        },
        target: "",
        expect: &[
            "found tensors that a model of the family internlm2 does not use: model.layers.0.attention.q_norm.0",
            "q_norm.2 and 1 more",
        ],
    },
    Case {
        name: "a quantized folder of 8 bits",
        make: |dir| {
            let settings = json!({"quant_method": "gptq", "bits": 8, "group_size": 128});
            config_with(dir, "quantization_config", settings);
        },
        target: "",
        expect: &["config.json: quantization_config: bits: found 8, expected 4"],
    },
    Case {
        name: "a quantized folder of 3 bits with its settings beside",
        make: |dir| put(dir, "quant_config.json", r#"{"w_bit": 3, "q_group_size": 128, "zero_point": true}"#),
        target: "",
        expect: &["quant_config.json: w_bit: found 3, expected 4"],
    },
    Case {
        name: "a method that nothing runs",
        make: |dir| {
            config_with(
                dir,
                "quantization_config",
                json!({"quant_method": "bitsandbytes", "load_in_4bit": true}),
            );
        },
        target: "",
        expect: &["quantized weights (bitsandbytes, 4 bit): expected floats, or AWQ, GPTQ"],
    },
    Case {
        name: "a quantized folder without settings",
        make: |dir| reshape(dir, |tensors| tensors.push(("model.x.qweight".to_owned(), vec![4]))),
        target: "",
        expect: &["found quantized weights (GPTQ or AWQ) without their settings", "quantize_config.json"],
    },
    Case {
        name: "GGUF magic",
        make: |dir| put(dir, "x.gguf", "GGML0000"),
        target: "x.gguf",
        expect: &["x.gguf", "at byte 0", "magic"],
    },
    Case {
        name: "GGUF version",
        make: |dir| put(dir, "x.gguf", models::gguf(1, &[], &[])),
        target: "x.gguf",
        expect: &["x.gguf", "version: found 1, expected 2 or 3"],
    },
    Case {
        name: "GGUF cut off in the metadata",
        make: |dir| {
            put(dir, "x.gguf", &models::gguf(3, &[Pair::Text("general.architecture", "llama")], &[])[..50])
        },
        target: "x.gguf",
        expect: &["x.gguf", "at byte", "expected at most"],
    },
    Case {
        name: "GGUF cut off in the data",
        make: |dir| {
            let bytes = models::gguf(3, &[], &[("token_embd.weight", vec![8, 16], vec![0.0; 128])]);
            put(dir, "x.gguf", &bytes[..bytes.len() - 1]);
        },
        target: "x.gguf",
        expect: &["x.gguf: truncated: the file has ", " bytes, its header promises "],
    },
    Case {
        name: "GGUF of an unknown architecture",
        make: |dir| {
            let pairs = [Pair::Text("general.architecture", "mamba")];
            put(dir, "x.gguf", models::gguf(3, &pairs, &[("a", vec![1], vec![0.0])]));
        },
        target: "x.gguf",
        expect: &["x.gguf", "general.architecture", "mamba", "llama, internlm2, qwen2"],
    },
    Case {
        name: "GGUF without sizes",
        make: |dir| {
            let pairs = [Pair::Text("general.architecture", "llama")];
            put(dir, "x.gguf", models::gguf(3, &pairs, &[("a", vec![1], vec![0.0])]));
        },
        target: "x.gguf",
        expect: &["llama.embedding_length: missing", "llama.block_count: missing", "llama.context_length"],
    },
];

#[test]
fn every_broken_file_gets_a_clear_message_and_code_2() {
    for case in CASES {
        let folder = tempfile::tempdir().expect("temporary folder");
        models::write(folder.path());
        (case.make)(folder.path());
        let target = if case.target.is_empty() { "." } else { case.target };
        let ran = Program::new(env!("CARGO_BIN_EXE_internlm-model"), folder.path()).run(["inspect", target]);
        let place = format!("{}: {ran:?}", case.name);
        assert_eq!(ran.code, Some(2), "{place}");
        for part in case.expect {
            assert!(ran.stderr.contains(part), "`{part}` is missing: {place}");
        }
        // One cause, one message: no line says what another one has said.
        let lines: std::collections::BTreeSet<&str> = ran.stderr.lines().collect();
        assert_eq!(lines.len(), ran.stderr.lines().count(), "{place}");
    }
}

#[test]
fn any_cut_of_a_file_is_an_error_not_a_panic() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.gguf");
    let pairs = [
        Pair::Text("general.architecture", "llama"),
        Pair::Texts("tokenizer.ggml.tokens", &["<unk>", "a"]),
        Pair::Numbers("tokenizer.ggml.token_type", &[2, 1]),
        Pair::Float("x", 1.0),
        Pair::Number("y", 1),
    ];
    let bytes = models::gguf(3, &pairs, &[("a", vec![8], vec![0.0; 8])]);
    for length in (0..bytes.len()).step_by(3) {
        fs::write(&path, &bytes[..length]).expect("writes");
        assert!(internlm_model::weights::gguf::GgufFile::open(&path).is_err(), "{length}");
    }
    let path = folder.path().join("model.safetensors");
    let bytes = models::safetensors(&models::tensors());
    for length in (0..bytes.len()).step_by(3) {
        fs::write(&path, &bytes[..length]).expect("writes");
        assert!(internlm_model::weights::SafetensorsFile::open(&path).is_err(), "{length}");
    }
}

#[test]
fn tokenize_refuses_what_it_cannot_read() {
    let folder = tempfile::tempdir().expect("temporary folder");
    put(folder.path(), "latin1.txt", [b'a', 0xe9]);
    put(folder.path(), "ids.json", "[1, \"x\"]");
    let config = internlm_model::tokenizer::BpeTrainConfig::new(265);
    let tokenizer = internlm_model::tokenizer::train_bpe(std::iter::empty(), &config).expect("trains");
    tokenizer.save(folder.path()).expect("saves");
    let program = Program::new(env!("CARGO_BIN_EXE_internlm-model"), folder.path());
    for (arguments, expect) in [
        (["--file", "latin1.txt"], "latin1.txt: at byte 1: not UTF-8"),
        (["--decode", "ids.json"], "ids.json: expected a JSON list of ids"),
        (["--file", "none.txt"], "none.txt: cannot read"),
    ] {
        let [option, value] = arguments;
        let arguments = &["tokenize", ".", option, value];
        program.check_bad_input(&[BadInputCase { arguments, code: 2, parts: &[expect] }]);
    }
}
