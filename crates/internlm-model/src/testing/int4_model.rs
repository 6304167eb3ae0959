//! [`Int4Model`]: a small model as a quantizer stores it, and the same in floats.

use std::collections::BTreeMap;
use std::path::Path;

use half::f16;
use internlm_kit::testing::TestRng;
use serde_json::{Value, json};

use super::int4_example::Int4Example;
use crate::Result;
use crate::weights::int4::Packing;
use crate::weights::{Encoding, TensorInfo, write_stored_folder};

/// The tensors of two folders with the same weights; a Llama of two layers.
#[derive(Clone, Debug)]
pub struct Int4Model {
    /// What the quantizer stores.
    pub quantized: Tensors,
    /// The weights in f32.
    pub plain: Tensors,
    packing: Packing,
    zeros: ZeroPoint,
    rng: TestRng,
}

/// Tensors by name: shape with encoding, and bytes.
type Tensors = BTreeMap<String, (TensorInfo, Vec<u8>)>;

/// The zero points of a model.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ZeroPoint {
    /// Numbers from 1 to 15.
    Any,
    /// The number 8 everywhere.
    Eight,
}

impl Int4Model {
    /// Width of the residual stream.
    pub const HIDDEN: usize = 256;
    /// Width of the feed-forward network.
    pub const INTER: usize = 512;
    /// Number of tokens it knows.
    pub const VOCAB: usize = 96;
    /// Consecutive inputs with one scale.
    pub const GROUP: usize = 128;

    /// Random weights; GPTQ's inputs belong to groups in no order, as `desc_act` leaves them.
    #[must_use]
    pub fn new(packing: Packing, zeros: ZeroPoint) -> Self {
        let (quantized, plain) = (BTreeMap::new(), BTreeMap::new());
        let mut model = Self { quantized, plain, packing, zeros, rng: TestRng::new(7) };
        model.floats("model.embed_tokens.weight", &[Self::VOCAB, Self::HIDDEN], 1.0);
        model.floats("lm_head.weight", &[Self::VOCAB, Self::HIDDEN], 0.1);
        model.floats("model.norm.weight", &[Self::HIDDEN], 1.0);
        for layer in 0..2 {
            model.layer(layer);
        }
        model
    }

    fn layer(&mut self, layer: usize) {
        let (hidden, inter) = (Self::HIDDEN, Self::INTER);
        let name = |inner: &str| format!("model.layers.{layer}.{inner}");
        for norm in ["input_layernorm.weight", "post_attention_layernorm.weight"] {
            self.floats(&name(norm), &[hidden], 1.0);
        }
        // Matrices of the same inputs have the same groups.
        let attention = self.groups(hidden);
        for (inner, rows) in [("q_proj", hidden), ("k_proj", hidden / 2), ("v_proj", hidden / 2)] {
            self.matrix(&name(&format!("self_attn.{inner}")), [rows, hidden], &attention);
        }
        let output = self.groups(hidden);
        self.matrix(&name("self_attn.o_proj"), [hidden, hidden], &output);
        let up = self.groups(hidden);
        for inner in ["gate_proj", "up_proj"] {
            self.matrix(&name(&format!("mlp.{inner}")), [inter, hidden], &up);
        }
        let down = self.groups(inter);
        self.matrix(&name("mlp.down_proj"), [hidden, inter], &down);
    }

    /// What the quantizer writes into `quantization_config`.
    #[must_use]
    pub fn settings(&self) -> Value {
        match self.packing {
            Packing::Awq => json!({
                "quant_method": "awq", "bits": 4, "group_size": Self::GROUP, "version": "gemm", "zero_point": true,
            }),
            Packing::Gptq | Packing::GptqV2 => {
                let format = if self.packing == Packing::Gptq { "gptq" } else { "gptq_v2" };
                json!({
                    "quant_method": "gptq", "bits": 4, "group_size": Self::GROUP, "desc_act": true, "sym": false,
                    "checkpoint_format": format,
                })
            }
            Packing::CompressedTensors => json!({
                "quant_method": "compressed-tensors", "format": "pack-quantized",
                "config_groups": {"group_0": {"targets": ["Linear"], "weights": {
                    "num_bits": 4, "type": "int", "symmetric": false, "strategy": "group", "group_size": Self::GROUP,
                }}},
            }),
        }
    }

    /// Writes both folders: the quantizer's, and the one in floats.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, quantized: &Path, plain: &Path) -> Result<()> {
        write_model(quantized, &self.quantized, &self.settings())?;
        write_model(plain, &self.plain, &Value::Null)
    }

    fn random(&mut self) -> usize {
        self.rng.bits() as usize >> 1
    }

    fn floats(&mut self, name: &str, shape: &[usize], size: f32) {
        let count = shape.iter().product::<usize>();
        let bytes: Vec<u8> = (0..count)
            .flat_map(|_| {
                let norm = shape.len() == 1;
                let x = (self.random() % 2001) as f32 / 1000.0 - 1.0;
                (if norm { 1.0 + 0.1 * x } else { size * x }).to_le_bytes()
            })
            .collect();
        let info = TensorInfo { shape: shape.to_vec(), encoding: Encoding::F32 };
        for tensors in [&mut self.quantized, &mut self.plain] {
            tensors.insert(name.to_owned(), (info.clone(), bytes.clone()));
        }
    }

    /// A matrix of 4 bits; input k belongs to group `groups[k]`.
    fn matrix(&mut self, prefix: &str, shape: [usize; 2], groups: &[usize]) {
        let seed = self.random() as u64;
        let mut example = Int4Example::random(shape, Self::GROUP, seed);
        groups.clone_into(&mut example.groups);
        if self.zeros == ZeroPoint::Eight {
            example.zeros.iter_mut().flatten().for_each(|zero| *zero = 8);
        }
        let size = 1.0 / (8.0 * (shape[1] as f32).sqrt());
        for scale in example.scales.iter_mut().flatten() {
            *scale = f16::from_f32(size * (1 + self.random() % 4) as f32);
        }
        let weights = example.weights().iter().flat_map(|weight| weight.to_le_bytes()).collect();
        let info = TensorInfo { shape: shape.to_vec(), encoding: Encoding::F32 };
        self.plain.insert(format!("{prefix}.weight"), (info, weights));
        for tensor in example.tensors(self.packing) {
            self.quantized.insert(format!("{prefix}.{}", tensor.name), (tensor.info, tensor.bytes));
        }
    }

    /// The group of each of k inputs.
    fn groups(&mut self, k: usize) -> Vec<usize> {
        let mut groups: Vec<usize> = (0..k).map(|input| input / Self::GROUP).collect();
        if matches!(self.packing, Packing::Gptq | Packing::GptqV2) {
            for place in (1..k).rev() {
                let other = self.random() % (place + 1);
                groups.swap(place, other);
            }
        }
        groups
    }
}

/// Writes a folder of an [`Int4Model`]; the settings of a quantizer are `null` for plain weights.
///
/// # Errors
/// A file that cannot be written.
pub fn write_model(folder: &Path, tensors: &Tensors, settings: &Value) -> Result<()> {
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "hidden_size": Int4Model::HIDDEN, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": Int4Model::INTER,
        "vocab_size": Int4Model::VOCAB, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "max_position_embeddings": 128,
        "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32",
        "quantization_config": settings,
    });
    let file = folder.join("config.json");
    internlm_kit::file::write(&file, config.to_string())?;
    let stored: Vec<_> = tensors.iter().map(|(name, (info, _))| (name.clone(), info.clone())).collect();
    write_stored_folder(folder, &stored, u64::MAX, &mut |name| Ok(tensors[name].1.clone()))
}
