//! Sizes of a model's tensors, from its config and from a tiny twin that has the same names and layers.

use internlm_model::ModelConfig;
use internlm_model::config::RopeScaling;
use internlm_model::decoder::Block;
use internlm_model::linear::{Linear, Lora};
use internlm_model::packed::PackedFormat;

/// Bytes of one f32.
const F32: u64 = 4;
/// Weights that share a scale, and scales that share one again.
const PACKED_BLOCKS: (u64, u64) = (64, 256);

/// Copies of the logits that a head with an adapter makes: the loss is not fused there.
pub(super) const WHOLE_LOGITS: usize = 4;

/// What the shape of a layer says about memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayerShape {
    /// Number of parameters that learn.
    pub(super) trained: u64,
    /// Number of weights in floats that are not of adapters.
    pub(super) weights: u64,
    /// Floats that its backward pass needs for each token.
    pub(super) kept: usize,
    /// How many of them a GPU makes again.
    pub(super) made_again: usize,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum HeadKind {
    /// Logits are made chunk by chunk.
    Fused,
    /// Logits exist whole.
    Whole,
}

/// The same names, layers and switches with matrices of a few numbers.
pub(super) fn tiny(model: &ModelConfig) -> ModelConfig {
    let mut tiny = model.clone();
    (tiny.hidden, tiny.inter, tiny.vocab) = (8, 8, 8);
    (tiny.heads, tiny.kv_heads, tiny.head_dim) = (1, 1, 8);
    tiny.rope_scaling = RopeScaling::None;
    tiny
}

/// The number of the layer that a parameter belongs to.
pub(super) fn layer_of(name: &str) -> Option<usize> {
    name.strip_prefix("model.layers.")?.split('.').next()?.parse().ok()
}

/// Shape of the matrix of the layer called `module`, `[out, in]`.
pub(super) fn matrix(model: &ModelConfig, module: &str) -> [usize; 2] {
    let ModelConfig { hidden, inter, vocab, .. } = *model;
    match module.rsplit('.').next().unwrap_or(module) {
        "wqkv" => [model.qkv_rows(), hidden],
        "wo" => [hidden, model.heads * model.head_dim],
        "w1" | "w3" => [inter, hidden],
        "w2" => [hidden, inter],
        "v_head" => [1, hidden],
        // The norms have one row.
        module if module.ends_with("norm") => [1, hidden],
        _ => [vocab, hidden],
    }
}

/// Number of elements of the parameter `name`, whose tiny twin has the shape `twin`.
pub(super) fn elements(model: &ModelConfig, name: &str, twin: &[usize]) -> u64 {
    let (module, kind) = name.rsplit_once('.').unwrap_or((name, ""));
    let of = |module: &str| matrix(model, module);
    let elements = match (module.strip_suffix(".lora_A"), module.strip_suffix(".lora_B"), kind) {
        (Some(module), _, _) => twin[0] * of(module)[1],
        (_, Some(module), _) => of(module)[0] * twin[1],
        (_, _, "bias" | "lora_magnitude_vector") => of(module)[0],
        _ => of(module)[0] * of(module)[1],
    };
    elements as u64
}

/// Bytes of what a linear layer holds besides its parameters: packed weights, and the norms that DoRA needs.
pub(super) fn frozen_bytes([outputs, inputs]: [usize; 2], linear: &Linear) -> u64 {
    let weights = (outputs * inputs) as u64;
    let packed = linear.packed_matrix().map_or(0, |matrix| packed_bytes(matrix.format(), weights));
    match linear {
        Linear::Lora(Lora { magnitude: Some(_), .. }) => packed + F32 * outputs as u64,
        _ => packed,
    }
}

/// Bytes of a packed matrix of `weights` weights.
pub(super) fn packed_bytes(format: PackedFormat, weights: u64) -> u64 {
    let scales = weights.div_ceil(PACKED_BLOCKS.0);
    match format {
        PackedFormat::Bf16 => 2 * weights,
        PackedFormat::Int8 => weights + F32 * scales,
        PackedFormat::Nf4 => weights.div_ceil(2) + F32 * scales,
        PackedFormat::Nf4Double => {
            weights.div_ceil(2) + scales + F32 * scales.div_ceil(PACKED_BLOCKS.1) + F32
        }
        // A form that this table does not know is not smaller than floats.
        _ => F32 * weights,
    }
}

/// Floats per token that the backward pass of a layer needs.
pub(super) fn kept(block: &Block, model: &ModelConfig) -> usize {
    let ModelConfig { hidden, inter, heads, .. } = *model;
    let (attention, feed_forward) = (&block.attention, &block.feed_forward);
    let heads_width = heads * model.head_dim;
    // A frozen product of packed weights is the only one whose backward pass does not read its input.
    let input = |linears: &[&Linear], width: usize| {
        if linears.iter().any(|linear| !matches!(linear, Linear::Packed(_))) { width } else { 0 }
    };
    // Inputs of the two norms, 1 / rms of each, rotated projection, output of attention and its log sums, gate and up.
    let fixed = 2 * hidden + 2 + model.qkv_rows() + heads_width + heads + 2 * inter;
    let inputs = input(&[&attention.wqkv], hidden)
        + input(&[&feed_forward.w1, &feed_forward.w3], hidden)
        + input(&[&feed_forward.w2], inter);
    let qkv = [model.qkv_rows(), hidden];
    let adapters = adapter(&attention.wqkv, qkv)
        + adapter(&attention.wo, [hidden, heads_width])
        + adapter(&feed_forward.w1, [inter, hidden])
        + adapter(&feed_forward.w3, [inter, hidden])
        + adapter(&feed_forward.w2, [hidden, inter]);
    fixed + inputs + adapters
}

/// Floats per token that a GPU does not keep: the gated numbers before a product that is not adapted.
pub(super) fn made_again(block: &Block, model: &ModelConfig) -> usize {
    if matches!(block.feed_forward.w2, Linear::Dense(_)) { model.inter } else { 0 }
}

/// Floats per token that an adapter needs besides the input of its layer.
fn adapter(linear: &Linear, [outputs, inputs]: [usize; 2]) -> usize {
    let Linear::Lora(lora) = linear else { return 0 };
    let rank = lora.a.dims()[0];
    rank + match (&lora.magnitude, &lora.dropout) {
        // The mask of the dropout is drawn again.
        (None, _) => 0,
        (Some(_), None) => outputs,
        // The output of the product, the dropped input and the factors of the mask.
        (Some(_), Some(_)) => outputs + 2 * inputs,
    }
}
