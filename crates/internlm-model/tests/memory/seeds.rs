//! Small valid files of every kind, for damaging.

use std::fs;
use std::path::Path;

use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::weights::{Encoding, TensorInfo, torch};

use crate::models::{self, Pair};
use crate::readers::Reader;

/// A valid file of the reader's kind.
pub(crate) fn seed(reader: Reader, dir: &Path) -> Vec<u8> {
    match reader {
        Reader::Config => models::config().to_string().into_bytes(),
        Reader::Safetensors => models::safetensors(&models::tensors()),
        Reader::Gguf => gguf(),
        Reader::SentencePiece => sentencepiece(),
        Reader::Torch => {
            let path = dir.join(reader.file_name());
            let info = |shape: &[usize]| TensorInfo { shape: shape.to_vec(), encoding: Encoding::Bf16 };
            let tensors = [("a".to_owned(), info(&[4, 3])), ("b.c".to_owned(), info(&[5]))];
            let bytes = |name: &str| vec![1; if name == "a" { 24 } else { 10 }];
            torch::write_state_dict(&path, &tensors, &mut |name| Ok(bytes(name).into())).expect("writes");
            fs::read(&path).expect("reads")
        }
        Reader::TokenizerJson => {
            let config = BpeTrainConfig::new(300).with_min_frequency(1);
            let texts = ["the quick brown fox jumps over the lazy dog, the fox", "12 monkeys 你好"];
            let texts = texts.into_iter().map(str::to_owned);
            train_bpe(texts, &config).expect("trains").save(dir).expect("saves");
            fs::read(dir.join(reader.file_name())).expect("reads")
        }
    }
}

/// A LLaMA of one layer with a byte-level vocabulary.
fn gguf() -> Vec<u8> {
    let mut tokens: Vec<String> = ('!'..='~').map(String::from).collect();
    tokens.extend(["Ġ", "Ċ", "he", "llo", "<|im_start|>"].map(str::to_owned));
    let mut kinds = vec![1; tokens.len()];
    kinds[tokens.len() - 1] = 3;
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let count = tokens.len() as u64;
    let pairs = [
        Pair::Text("general.architecture", "llama"),
        Pair::Number("llama.block_count", 1),
        Pair::Number("llama.context_length", 16),
        Pair::Number("llama.embedding_length", 4),
        Pair::Number("llama.feed_forward_length", 2),
        Pair::Number("llama.attention.head_count", 1),
        Pair::Float("llama.attention.layer_norm_rms_epsilon", 1e-5),
        Pair::Text("tokenizer.ggml.model", "gpt2"),
        Pair::Text("tokenizer.ggml.pre", "smollm"),
        Pair::Texts("tokenizer.ggml.tokens", &tokens),
        Pair::Numbers("tokenizer.ggml.token_type", &kinds),
        Pair::Texts("tokenizer.ggml.merges", &["h e"]),
        Pair::Text("tokenizer.chat_template", "{{ messages[0].content }}"),
    ];
    let tensor =
        |name, sizes: &[u64]| (name, sizes.to_vec(), vec![0.5; sizes.iter().product::<u64>() as usize]);
    let tensors = [
        tensor("token_embd.weight", &[4, count]),
        tensor("output_norm.weight", &[4]),
        tensor("blk.0.attn_q.weight", &[4, 4]),
        tensor("blk.0.attn_k.weight", &[4, 4]),
        tensor("blk.0.attn_v.weight", &[4, 4]),
        tensor("blk.0.attn_output.weight", &[4, 4]),
        tensor("blk.0.ffn_gate.weight", &[4, 2]),
        tensor("blk.0.ffn_up.weight", &[4, 2]),
        tensor("blk.0.ffn_down.weight", &[2, 4]),
        tensor("blk.0.attn_norm.weight", &[4]),
        tensor("blk.0.ffn_norm.weight", &[4]),
    ];
    models::gguf(3, &pairs, &tensors)
}

/// A SentencePiece BPE model with byte fallback: field 1 pieces, 2 trainer, 3 normalizer.
fn sentencepiece() -> Vec<u8> {
    let message =
        |number: u8, content: &[u8]| [&[number << 3 | 2, content.len() as u8][..], content].concat();
    let piece = |text: &str, score: f32, kind: u8| {
        let text = message(1, text.as_bytes());
        message(1, &[&text[..], &[2 << 3 | 5], &score.to_le_bytes(), &[3 << 3, kind]].concat())
    };
    let mut bytes = [piece("<unk>", 0.0, 2), piece("<s>", 0.0, 3), piece("</s>", 0.0, 3)].concat();
    bytes.extend((0..=255).flat_map(|byte| piece(&format!("<0x{byte:02X}>"), 0.0, 6)));
    for (index, text) in ["\u{2581}", "H", "e", "l", "o", "He", "ll", "llo", "Hello", "你"].iter().enumerate()
    {
        bytes.extend(piece(text, -(index as f32), 1));
    }
    bytes.extend(piece("<|im_start|>", 0.0, 4));
    // model_type 2 (BPE), byte_fallback (field 35), then no dummy prefix and no squeezing of spaces.
    bytes.extend(message(2, &[3 << 3, 2, 0x98, 0x02, 1]));
    bytes.extend(message(3, &[3 << 3, 0, 4 << 3, 0]));
    bytes
}
