//! A model small enough to train inside a test, with a tokenizer that knows the generator's words.

use std::path::{Path, PathBuf};

use internlm_kit::rng::CounterRng;
use internlm_kit::testing::Program;
use internlm_model::decoder::Decoder;
use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::{ModelConfig, ModelSize, device};
use wanjuan_data::shard::ShardWriter;
use xtuner::generator::{ConversationsConfig, conversations, generate};

/// Counts and files for a generator that writes into `folder`.
pub(crate) fn generate_config(folder: &Path) -> ConversationsConfig {
    let (conversations, questions) = (folder.join("conversations.jsonl"), folder.join("questions.jsonl"));
    let mut config = ConversationsConfig::new(conversations, questions).with_seed(1).with_calculator(24);
    (config.expressions, config.sentences, config.digits) = (4, 4, 4);
    (config.plain, config.direct, config.held_out) = (4, 4, 6);
    config
}

/// The model's shape.
pub(crate) fn model_config() -> ModelConfig {
    let size = ModelSize { hidden: 32, layers: 2, heads: 2, inter: 48, vocab: 384 };
    ModelConfig::new(size).with_kv_heads(1).with_max_position(512)
}

/// Writes a random model with its tokenizer and gives the folder.
pub(crate) fn model_folder(folder: &Path) -> PathBuf {
    let path = folder.join("base");
    let texts: Vec<String> =
        conversations(&generate_config(folder)).iter().map(ToString::to_string).collect();
    let config = BpeTrainConfig::new(384);
    let tokenizer = train_bpe(texts.into_iter(), &config).expect("trains a tokenizer");
    let model = model_config();
    let decoder = Decoder::init(&model, 3, &device::parse("cpu").expect("the CPU"));
    decoder.save(&path).expect("saves");
    tokenizer.save(&path).expect("saves");
    path
}

/// A config of `steps` steps on the generated conversations; `extra` goes to the front, before any table.
pub(crate) fn config_text(folder: &Path, method: &str, steps: usize) -> String {
    let show = |path: PathBuf| path.display().to_string();
    format!(
        r#"
[run]
out = "{out}"
seed = 5

[model]
path = "{base}"
method = "{method}"

[lora]
rank = 4
alpha = 8.0
modules-to-save = ["tok_embeddings", "output"]

[dataset]
paths = ["{conversations}"]
max-length = 512
rows-per-step = 1
valid-conversations = 4

[optim]
lr = 1e-3
weight-decay = 0.0

[schedule]
steps = {steps}

[checkpoint]
every = 2

[test]
questions = "{questions}"
limit = 2
max-tokens = 8
"#,
        out = show(folder.join("run")),
        base = show(folder.join("base")),
        conversations = show(folder.join("conversations.jsonl")),
        questions = show(folder.join("questions.jsonl")),
    )
}

/// The binary without log lines, in `folder`.
pub(crate) fn xtuner(folder: &Path) -> Program {
    Program::new(env!("CARGO_BIN_EXE_xtuner"), folder).with_environment("INTERNLM_LOG", "off")
}

/// A folder with a model, its conversations and questions, and `config.toml` of a run of `steps` steps.
pub(crate) fn prepare(folder: &Path, method: &str, steps: usize) -> String {
    model_folder(folder);
    generate(&generate_config(folder)).expect("generates");
    let path = folder.join("config.toml");
    std::fs::write(&path, config_text(folder, method, steps)).expect("writes");
    path.display().to_string()
}

/// Shards of random documents below `folder/name`, every id of them below 300.
pub(crate) fn shards(folder: &Path, name: &str, documents: u64) -> PathBuf {
    let dir = folder.join(name);
    let rng = CounterRng::new(3, name);
    let mut writer = ShardWriter::create(dir.join("en"), "part").expect("creates");
    for document in 0..documents {
        let rng = rng.split(document);
        let inner = (0..30 + rng.below(0, 60)).map(|place| 3 + rng.below(1 + place, 290) as i32);
        writer.push(&[1].into_iter().chain(inner).chain([2]).collect::<Vec<_>>()).expect("writes");
    }
    writer.finish().expect("finishes");
    dir
}

/// `[dataset.pretrain]` with this share of text, to be appended to a config.
pub(crate) fn pretrain_text(folder: &Path, share: f64) -> String {
    let (train, valid) = (shards(folder, "train", 20), shards(folder, "valid", 4));
    format!("\n[dataset.pretrain]\nshards = {train:?}\nshare = {share}\nseq-len = 64\nvalid = {valid:?}\n")
}
