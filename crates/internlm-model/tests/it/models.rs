//! Small model files made by the tests.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// A `config.json` of a tiny InternLM2.
pub(crate) fn config() -> Value {
    json!({
        "architectures": ["InternLM2ForCausalLM"], "hidden_size": 8, "num_hidden_layers": 1,
        "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 12, "vocab_size": 16,
        "max_position_embeddings": 32, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "bias": false,
        "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2
    })
}

/// The tensors of [`config`].
pub(crate) fn tensors() -> Vec<(String, Vec<usize>)> {
    let config = internlm_model::ModelConfig::from_hf_json(
        config().as_object().expect("an object"),
        Path::new("config.json"),
    );
    internlm_model::weights::names::expected(&config.expect("a usable config"))
}

/// A safetensors file of zeros.
pub(crate) fn safetensors(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut offset = 0;
    for (name, shape) in tensors {
        let end = offset + 4 * shape.iter().product::<usize>();
        header.insert(name.clone(), json!({"dtype": "F32", "shape": shape, "data_offsets": [offset, end]}));
        offset = end;
    }
    let header = Value::Object(header).to_string().into_bytes();
    [&(header.len() as u64).to_le_bytes()[..], &header, &vec![0; offset]].concat()
}

/// Writes a whole tiny model.
pub(crate) fn write(dir: &Path) {
    fs::write(dir.join("config.json"), config().to_string()).expect("writes");
    fs::write(dir.join("model.safetensors"), safetensors(&tensors())).expect("writes");
}

/// Writes a tiny random model with a vocabulary that knows the chat tokens.
#[cfg(feature = "flex")]
pub(crate) fn write_with_vocabulary(dir: &Path) {
    use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
    use internlm_model::{Decoder, ModelConfig, ModelSize, device};

    let size = ModelSize { hidden: 32, layers: 2, heads: 2, inter: 48, vocab: 300 };
    let config = ModelConfig::new(size).with_kv_heads(1).with_max_position(64);
    let device = device::parse("cpu").expect("the CPU");
    Decoder::init(&config, 7, &device).save(dir).expect("saves");
    let texts = ["user assistant system", "Hello world, hello users"].map(String::from);
    let train = BpeTrainConfig::new(280).with_min_frequency(1);
    train_bpe(texts.into_iter(), &train).expect("trains").save(dir).expect("saves");
}

/// One metadata pair of a GGUF file.
pub(crate) enum Pair<'a> {
    /// u32
    Number(&'a str, u32),
    /// f32
    Float(&'a str, f32),
    /// string
    Text(&'a str, &'a str),
    /// array of strings
    Texts(&'a str, &'a [&'a str]),
    /// array of i32
    Numbers(&'a str, &'a [i32]),
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn pair(bytes: &mut Vec<u8>, pair: &Pair<'_>) {
    let key = match pair {
        Pair::Number(key, _)
        | Pair::Float(key, _)
        | Pair::Text(key, _)
        | Pair::Texts(key, _)
        | Pair::Numbers(key, _) => key,
    };
    text(bytes, key);
    match pair {
        Pair::Number(_, value) => bytes.extend([&4_u32.to_le_bytes()[..], &value.to_le_bytes()].concat()),
        Pair::Float(_, value) => bytes.extend([&6_u32.to_le_bytes()[..], &value.to_le_bytes()].concat()),
        Pair::Text(_, value) => {
            bytes.extend(8_u32.to_le_bytes());
            text(bytes, value);
        }
        Pair::Texts(_, values) => {
            bytes.extend(
                [&9_u32.to_le_bytes()[..], &8_u32.to_le_bytes(), &(values.len() as u64).to_le_bytes()]
                    .concat(),
            );
            values.iter().for_each(|value| text(bytes, value));
        }
        Pair::Numbers(_, values) => {
            bytes.extend(
                [&9_u32.to_le_bytes()[..], &5_u32.to_le_bytes(), &(values.len() as u64).to_le_bytes()]
                    .concat(),
            );
            values.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
        }
    }
}

/// A GGUF file with F32 tensors: name, sizes (fastest first), values.
pub(crate) fn gguf(version: u32, pairs: &[Pair<'_>], tensors: &[(&str, Vec<u64>, Vec<f32>)]) -> Vec<u8> {
    let mut bytes = b"GGUF".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend((tensors.len() as u64).to_le_bytes());
    bytes.extend((pairs.len() as u64).to_le_bytes());
    pairs.iter().for_each(|one| pair(&mut bytes, one));
    let mut data: Vec<u8> = Vec::new();
    for (name, sizes, values) in tensors {
        text(&mut bytes, name);
        bytes.extend((sizes.len() as u32).to_le_bytes());
        sizes.iter().for_each(|size| bytes.extend(size.to_le_bytes()));
        bytes.extend(0_u32.to_le_bytes());
        bytes.extend((data.len() as u64).to_le_bytes());
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        data.resize(data.len().next_multiple_of(32), 0);
    }
    bytes.resize(bytes.len().next_multiple_of(32), 0);
    bytes.extend(data);
    bytes
}
