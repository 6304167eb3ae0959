//! The command line: answers on a tiny model, and errors that name what is wrong.

use std::ffi::OsString;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use internlm_kit::testing::{Program, TestRng};
use serde_json::Value;
use tempfile::TempDir;
use turbomind::cli;

use crate::tiny::Tiny;

/// A folder with the tiny model and files of ids.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        Tiny { context: 96, ..Tiny::default() }.write(&folder.path("tiny.gguf"));
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("writes");
        path
    }

    /// Runs `turbomind VERB tiny.gguf WORDS`; words that begin with `@` are files of the folder.
    fn run(&self, verb: &str, words: &str) -> anyhow::Result<String> {
        self.run_on(&self.path("tiny.gguf"), verb, words)
    }

    fn run_on(&self, model: &Path, verb: &str, words: &str) -> anyhow::Result<String> {
        answer(self.line(model, verb, words))
    }

    fn line(&self, model: &Path, verb: &str, words: &str) -> Vec<OsString> {
        let mut line = vec!["turbomind".into(), verb.into(), model.as_os_str().to_owned()];
        line.extend(words.split_whitespace().map(|word| match word.strip_prefix('@') {
            Some(name) => self.path(name).into_os_string(),
            None => word.into(),
        }));
        line
    }

    fn json(&self, verb: &str, words: &str) -> Value {
        let text = self.run(verb, &format!("{words} --json")).expect("works");
        assert_eq!(text.lines().count(), 1);
        serde_json::from_str(&text).expect("one JSON object")
    }

    /// The binary as a user runs it, in the folder.
    fn program(&self) -> Program {
        Program::new(env!("CARGO_BIN_EXE_turbomind"), self.0.path())
    }

    /// The message of a line of `turbomind` that is refused with exit code 2.
    fn refused(&self, line: &str) -> String {
        let ran = self.program().run(line.split_whitespace());
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{line}: {ran:?}");
        assert!(ran.stderr.starts_with("error: "), "{line}: {ran:?}");
        ran.stderr
    }
}

/// What a command line prints.
fn answer(line: Vec<OsString>) -> anyhow::Result<String> {
    let mut out = Vec::new();
    cli::run_from(line, &mut out)?;
    Ok(String::from_utf8(out)?)
}

fn floats(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("numbers")
}

#[test]
fn the_tiny_model_generates_the_same_in_any_chunks() {
    let folder = Folder::new();
    let ids: Vec<String> = (0..40).map(|i| (7 * i + 1).to_string()).collect();
    folder.write("ids.txt", &ids.join("\n"));
    folder.write("ids.json", &format!("[{}]", ids.join(", ")));
    let words = "--prompt-ids @ids.txt --max-tokens 12 --top 3 --ignore-eos";
    let whole = folder.json("generate", words);
    assert_eq!(whole["prompt_ids"].as_array().map(Vec::len), Some(40));
    assert_eq!(whole["finish"], "length");
    let (new, logprobs) = (whole["ids"].as_array().expect("ids"), floats(&whole["logprobs"]));
    assert_eq!((new.len(), logprobs.len()), (12, 12));
    for ((id, logprob), top) in new.iter().zip(&logprobs).zip(whole["top"].as_array().expect("top")) {
        assert_eq!((&top[0][0], top[0][1].as_f64()), (id, Some(*logprob)));
        assert!(top[1][1].as_f64() >= top[2][1].as_f64() && top.as_array().map(Vec::len) == Some(3));
        assert!(*logprob < 0.0);
    }
    for chunk in ["1", "7", "39"] {
        let words = format!("{words} --chunk {chunk} --threads 1").replace("ids.txt", "ids.json");
        assert_eq!(folder.json("generate", &words), whole, "chunks of {chunk}");
    }
    let plain = folder.run("generate", "--prompt-ids @ids.txt --max-tokens 12 --ignore-eos").expect("works");
    let listed: Vec<String> = new.iter().map(Value::to_string).collect();
    assert_eq!(plain, listed.join(" ") + "\n");
}

#[test]
fn forced_ids_get_the_probabilities_of_the_greedy_ones() {
    let folder = Folder::new();
    folder.write("ids", "5 6 7");
    let greedy = folder.json("generate", "--prompt-ids @ids --max-tokens 8 --ignore-eos --compute f32");
    folder.write("given", &greedy["ids"].to_string());
    let words = "--prompt-ids @ids --force-ids @given --top 1 --compute f32";
    let forced = folder.json("generate", words);
    assert_eq!((&forced["ids"], &forced["logprobs"]), (&greedy["ids"], &greedy["logprobs"]));
    assert_eq!(forced["finish"], "forced");
    let first = folder.json("generate", &format!("{words} --max-tokens 2"));
    assert_eq!(floats(&first["logprobs"]), floats(&greedy["logprobs"])[..2]);
}

/// Remembers what was written before each flush.
#[derive(Default)]
struct Flushes {
    parts: Vec<String>,
    pending: Vec<u8>,
}

impl Write for Flushes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let part = std::mem::take(&mut self.pending);
        self.parts.push(String::from_utf8(part).expect("text"));
        Ok(())
    }
}

/// A pipe whose reader has gone.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn every_token_is_printed_before_the_next_one_is_computed() {
    let folder = Folder::new();
    folder.write("ids", "5 6 7");
    let words = "--prompt-ids @ids --max-tokens 6 --ignore-eos";
    let line = folder.line(&folder.path("tiny.gguf"), "generate", words);
    let mut out = Flushes::default();
    cli::run_from(line.clone(), &mut out).expect("works");
    let whole = folder.run("generate", words).expect("works");
    assert_eq!(out.parts.concat(), whole);
    let listed: Vec<&str> = whole.split_whitespace().collect();
    let flushed: Vec<&str> = out.parts.iter().map(|part| part.trim()).collect();
    // One flush for each token, and a last one for the end of the line.
    assert_eq!((&flushed[..6], &out.parts[6..]), (&listed[..], &["\n".to_owned()][..]));
    let error = cli::run_from(line, &mut Closed).expect_err("nobody reads");
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    assert_eq!(kind, Some(ErrorKind::BrokenPipe));
}

#[test]
fn a_closed_output_ends_every_verb_quietly() {
    let folder = Folder::new();
    folder.write("ids", "5 6 7");
    let cases = [
        "inspect tiny.gguf",
        "generate tiny.gguf --prompt-ids ids --max-tokens 9",
        "generate tiny.gguf --prompt-ids ids --json",
        "perplexity tiny.gguf --ids ids",
        "bench tiny.gguf --prompt-tokens 8 --gen-tokens 2 --repeat 1",
    ];
    let cases = cases.map(|line| line.split_whitespace().collect::<Vec<_>>());
    folder.program().check_closed_output_of_every_verb(&cases.each_ref().map(Vec::as_slice));
}

#[test]
fn old_names_of_options_still_work() {
    let folder = Folder::new();
    folder.write("ids", "5 6 7");
    let model = folder.path("tiny.gguf").into_os_string();
    let ids = folder.path("ids").into_os_string();
    let with = |words: &[&str]| {
        let words = words.iter().map(|word| match *word {
            "MODEL" => model.clone(),
            "IDS" => ids.clone(),
            word => word.into(),
        });
        answer([OsString::from("turbomind")].into_iter().chain(words).collect())
    };
    let new = with(&["generate", "MODEL", "--prompt-ids", "IDS", "--max-tokens", "4"]).expect("works");
    let old = with(&["generate", "--model", "MODEL", "--prompt-ids", "IDS", "--n", "4", "--greedy"]);
    assert_eq!(old.expect("works"), new);
    let bench = ["bench", "--model", "MODEL", "--prompt", "8", "--gen", "2", "--repeat", "1", "--json"];
    let report: Value = serde_json::from_str(&with(&bench).expect("works")).expect("JSON");
    assert_eq!((report["prompt"].as_u64(), report["gen"].as_u64()), (Some(8), Some(2)));
    let both = folder.refused("inspect tiny.gguf --model tiny.gguf");
    assert!(both.contains("cannot be used with"), "{both}");
    assert!(folder.refused("inspect").contains("<MODEL>"));
}

#[test]
fn perplexity_is_the_mean_of_forced_ids() {
    let folder = Folder::new();
    let ids: Vec<u32> = (0..60).map(|i| (13 * i + 5) % 300).collect();
    folder.write("ids", &serde_json::to_string(&ids).expect("JSON"));
    folder.write("first", &ids[0].to_string());
    folder.write("others", &serde_json::to_string(&ids[1..]).expect("JSON"));
    let forced = folder.json("generate", "--prompt-ids @first --force-ids @others");
    let expected = -floats(&forced["logprobs"]).iter().sum::<f64>() / 59.0;
    for words in ["--ids @ids", "--ids @ids --chunk 7", "--ids @ids --window 60 --threads 1"] {
        let score = folder.json("perplexity", words);
        let nll = score["nll"].as_f64().expect("a number");
        assert!((nll - expected).abs() < 1e-9, "{words}: {nll} {expected}");
        assert_eq!(score["tokens"], 59);
        assert!((score["ppl"].as_f64().expect("a number") - nll.exp()).abs() < 1e-9);
    }
    // Windows of 20 ids have 19 targets each.
    assert_eq!(folder.json("perplexity", "--ids @ids --window 20")["tokens"], 57);
    assert!(folder.run("perplexity", "--ids @ids").expect("works").starts_with("59 tokens, "));
}

#[test]
fn bench_keeps_the_contract() {
    let folder = Folder::new();
    let report =
        folder.json("bench", "--prompt-tokens 40 --gen-tokens 4 --batch 3 --repeat 2 --threads 1 --kv int8");
    let names = "engine version isa model model_mb threads prompt gen depth batch kv prefill_tok_s decode_tok_s \
                 rounds load_s rss_mb rss_peak_mb kv_mb repack_mb peak_gmac_s prefill_gmac_s decode_gmac_s \
                 decode_gb_s cpu_s wall_s";
    for name in names.split_whitespace() {
        assert!(report.get(name).is_some(), "{name} in {report}");
    }
    assert_eq!(report.as_object().map(serde_json::Map::len), Some(names.split_whitespace().count()));
    assert_eq!(report["rounds"].as_array().map(Vec::len), Some(2));
    let sizes =
        ["engine", "model", "threads", "prompt", "gen", "depth", "batch", "kv"].map(|name| &report[name]);
    let expected = serde_json::json!(["turbomind", "tiny.gguf", 1, 40, 4, 40, 3, "int8"]);
    assert_eq!(serde_json::json!(sizes), expected);
    assert!(report["decode_tok_s"].as_f64() > Some(0.0) && report["peak_gmac_s"].as_f64() > Some(0.0));
    let depths = folder.json("bench", "--prompt-tokens 0 --gen-tokens 2 --depth 70 --repeat 1 --threads 2");
    assert_eq!((depths["depth"].as_u64(), depths.get("prefill_tok_s")), (Some(70), None));
    let table =
        folder.run("bench", "--prompt-tokens 30 --gen-tokens 2 --depth 10 --repeat 1").expect("works");
    assert!(table.lines().any(|line| line.starts_with("decode_tok_s     ")), "{table}");
}

#[test]
fn inspect_lists_tensors_and_tiles() {
    let folder = Folder::new();
    let inspection = folder.json("inspect", "");
    assert_eq!(inspection["keys"]["llama.context_length"], 96);
    let tensors = inspection["tensors"].as_array().expect("tensors");
    let embedding =
        tensors.iter().find(|tensor| tensor["name"] == "token_embd.weight").expect("the embedding");
    // 300 rows are 19 groups of 16; 8 blocks of 320 bytes each.
    let tiles = serde_json::json!({"format": "Q4_1", "groups": 19, "bytes": 19 * 8 * 320});
    assert_eq!((&embedding["tiles"], &embedding["bytes"]), (&tiles, &serde_json::json!(300 * 8 * 20)));
    assert_eq!(inspection["types"]["F32"]["tensors"], 5);
    let text = folder.run("inspect", "").expect("works");
    assert!(text.contains("blk.0.attn_norm.weight") && text.contains("general.architecture"), "{text}");
}

#[test]
fn a_hugging_face_folder_works_as_well() {
    let folder = Folder::new();
    let config = r#"{"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 96, "vocab_size": 220,
        "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "tie_word_embeddings": false}"#;
    let path = folder.write("config.json", config);
    let shape = internlm_model::ModelConfig::from_hf(path.parent().expect("a folder")).expect("a config");
    let tensors: Vec<_> = internlm_model::weights::names::expected(&shape);
    let style = internlm_model::weights::names::NameStyle::of(shape.family);
    let mut stored = Vec::new();
    for (name, sizes) in tensors {
        use internlm_model::weights::names::{Parts, parts};
        match parts(&name, style).expect("a counterpart") {
            Parts::One(name) => stored.push((name, sizes)),
            Parts::Qkv([q, k, v]) => stored.extend([(q, vec![64, 64]), (k, vec![32, 64]), (v, vec![32, 64])]),
        }
    }
    let mut rng = TestRng::new(1);
    internlm_model::weights::write_folder(folder.0.path(), &stored, &Default::default(), &mut |name| {
        let (_, sizes) = stored.iter().find(|(other, _)| other == name).expect("a tensor of the list");
        Ok(rng.floats(sizes.iter().product(), 0.1))
    })
    .expect("writes");
    folder.write("ids", "5 6 7");
    let answer = folder
        .run_on(folder.0.path(), "generate", "--prompt-ids @ids --max-tokens 3 --ignore-eos")
        .expect("works");
    assert_eq!(answer.split_whitespace().count(), 3);
    let text = folder.run_on(folder.0.path(), "inspect", "").expect("works");
    assert!(text.contains("lm_head.weight") && text.contains("hidden_size"), "{text}");
    let report = folder
        .run_on(folder.0.path(), "bench", "--prompt-tokens 8 --gen-tokens 2 --repeat 1")
        .expect("works");
    assert!(report.contains("prefill_gmac_s"), "{report}");
}

#[test]
fn bad_input_is_named_and_ends_with_code_2() {
    let folder = Folder::new();
    for (name, text) in
        [("empty", ""), ("ids", "1 2 3"), ("large", "1 300"), ("words", "1 two"), ("json", "[1, -2]")]
    {
        folder.write(name, text);
    }
    for (verb, words, expected) in [
        ("generate", "--prompt-ids @empty", "empty: found 0 ids, expected at least 1"),
        (
            "generate",
            "--prompt-ids @large",
            "id number 1: found 300, expected less than the vocabulary's 300",
        ),
        ("generate", "--prompt-ids @words", "words: word 1: found \"two\", expected an id"),
        ("generate", "--prompt-ids @json", "json: expected a JSON array of ids"),
        ("generate", "--prompt-ids @absent", "absent"),
        (
            "generate",
            "--prompt-ids @ids --max-tokens 94",
            "found 97 tokens, expected at most the context's 96",
        ),
        (
            "generate",
            "--prompt-ids @ids --max-tokens 18446744073709551615",
            "expected at most the context's 96",
        ),
        ("generate", "--prompt-ids @ids --force-ids @large", "large: id number 1: found 300"),
        ("generate", "--prompt-ids @ids --prompt text", "cannot be used with"),
        ("generate", "", "required"),
        ("generate", "--prompt-ids @ids --isa mmx", "expected one of scalar, avx2"),
        ("generate", "--prompt-ids @ids --kv f8", "f8"),
        ("generate", "--prompt-ids @ids --threads 0", "threads"),
        ("generate", "--prompt-ids @ids --chunk 0", "chunk"),
        ("generate", "--prompt-ids @ids --threads -1", "-1 is not in 1"),
        ("generate", "--prompt-ids @ids --max-tokens -1", "expected a whole number"),
        ("perplexity", "--ids @ids --window -1", "-1 is not in 2"),
        ("generate", "--prompt words", "tokenizer"),
        ("perplexity", "--ids @empty", "empty: found 0 ids, expected at least 2"),
        ("perplexity", "--ids @large", "large: id number 1"),
        ("bench", "--prompt-tokens 90 --gen-tokens 7", "found 97 tokens, expected at most the context's 96"),
        ("bench", "--prompt-tokens 0 --gen-tokens 0", "found 0 for both"),
    ] {
        let message = folder.refused(&format!("{verb} tiny.gguf {}", words.replace('@', "")));
        assert!(message.contains(expected), "{verb} {words}: {message}");
    }
}

#[test]
fn bad_files_are_named_and_end_with_code_2() {
    let folder = Folder::new();
    let bytes = std::fs::read(folder.path("tiny.gguf")).expect("reads");
    folder.write("ids", "1 2 3");
    std::fs::write(folder.path("cut.gguf"), &bytes[..bytes.len() - 100]).expect("writes");
    let mut typed = bytes.clone();
    let name = b"blk.1.ffn_up.weight";
    let at =
        typed.windows(name.len()).position(|window| window == name).expect("the tensor") + name.len() + 20;
    typed[at..at + 4].copy_from_slice(&19_u32.to_le_bytes());
    std::fs::write(folder.path("typed.gguf"), typed).expect("writes");
    for (file, expected) in [
        ("cut.gguf", "truncated"),
        ("typed.gguf", "found IQ1_S (type 19) in blk.1.ffn_up.weight"),
        ("none.gguf", "none.gguf"),
    ] {
        for (verb, words) in
            [("generate", "--prompt-ids @ids"), ("perplexity", "--ids @ids"), ("bench", ""), ("inspect", "")]
        {
            let message = folder.refused(&format!("{verb} {file} {}", words.replace('@', "")));
            assert!(message.contains(expected), "{verb} {file}: {message}");
            assert_eq!(message.matches(file).count(), 1, "the path is named once: {message}");
        }
    }
}
