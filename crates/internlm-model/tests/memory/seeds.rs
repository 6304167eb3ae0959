//! Small valid files of every kind, for damaging.

use std::fs;
use std::path::Path;

use internlm_model::tokenizer::{BpeTrainConfig, train_bpe};
use internlm_model::weights::{Encoding, TensorInfo, torch};

use crate::models::{self, Pair};
use crate::readers::Reader;

/// Every kind of value that the file may hold.
const TOKENIZER_CONFIG: &str = r#"{"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": true,
    "bos_token": {"content": "<|im_start|>", "lstrip": false, "normalized": false}, "eos_token": "<|im_end|>",
    "model_max_length": 1000000000000000019884624838656, "clean_up_tokenization_spaces": false,
    "added_tokens_decoder": {"300": {"content": "<more>", "special": true, "rstrip": true, "single_word": false}},
    "chat_template": [{"name": "default", "template": "{{ messages[0].content }}"}]}"#;

/// Settings of a quantizer; the model next to them is not quantized.
const QUANTIZE_CONFIG: &str = r#"{"bits": 4, "group_size": 128, "desc_act": false, "sym": true, "damp_percent": 0.01,
    "quant_method": "gptq", "checkpoint_format": "gptq", "true_sequential": true, "meta": {"quantizer": ["a:1"]}}"#;

/// Statements, expressions and filters of published templates.
const TEMPLATE: &str = "{%- set ns = namespace(found=false, n=12) -%}\n{% macro turn(m) %}{{ '<|' ~ m['role'] ~ '|>' }}\n\
    {{- m.content | trim | replace('a', 'b') }}{% endmacro %}{# all turns #}{% for m in messages %}\
    {% if m.role == 'assistant' %}{% generation %}{{ turn(m) }}{% endgeneration %}{% else %}{{ turn(m) }}{% endif %}\
    {% set ns.n = ns.n + loop.index0 * 7 %}{% endfor %}{{ '%05.2f' % 3.14159 }}{{ {'k': [1, 2.5]} | tojson(indent=2) }}\
    {{ strftime_now('%-d %B') }}{{ messages[1:][::-1] | map(attribute='role') | join(', ') }}\
    {% if add_generation_prompt and not ns.found %}<|assistant|>{% endif %}";

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
        Reader::TokenizerConfig => {
            fs::write(dir.join("tokenizer.json"), seed(Reader::TokenizerJson, dir)).expect("writes");
            TOKENIZER_CONFIG.as_bytes().to_vec()
        }
        Reader::QuantizeConfig => {
            fs::write(dir.join("config.json"), seed(Reader::Config, dir)).expect("writes");
            fs::write(dir.join("model.safetensors"), seed(Reader::Safetensors, dir)).expect("writes");
            QUANTIZE_CONFIG.as_bytes().to_vec()
        }
        Reader::ChatTemplate => TEMPLATE.as_bytes().to_vec(),
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
