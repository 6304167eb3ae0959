//! The readable twins of the fused operations: plain differentiable tensor expressions.
//!
//! They define what each kernel computes. Devices without a hand-written kernel run them, and property tests
//! compare every kernel with its twin, values and gradients.

use burn::tensor::activation::{log_softmax, sigmoid, softmax};
use burn::tensor::{DType, Int, Tensor, TensorData};

use super::block_tables::{BlockTables, KeyCopy, KeyLayout};
use super::slots::{APPLIED, BETA1, BETA2, EPS, KEEP, ROOT_CORRECTION, SCALE, STEP_SIZE};
use crate::TokenId;
use crate::heads::{HeadShape, PackedQkv};
use crate::positions::{Positions, Run, seen_keys};
use crate::rope::RopeTable;

/// `y = x / sqrt(mean(x^2) + eps) * weight`.
///
/// # Shapes
/// - x, y: `[T, hidden]`
/// - weight: `[hidden]`
#[must_use]
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, eps: f64) -> Tensor<2> {
    let mean = x.clone().powi_scalar(2).mean_dim(1);
    let scaled = x * mean.add_scalar(eps).sqrt().recip();
    scaled * weight.unsqueeze()
}

/// Half-split rotation: `(x1 cos - x2 sin, x2 cos + x1 sin)`.
///
/// # Shapes
/// - x, output: `[T, heads, d]`
/// - cos, sin: `[T, d / 2]`
#[must_use]
pub fn rotate(x: Tensor<3>, cos: Tensor<2>, sin: Tensor<2>) -> Tensor<3> {
    let [_, _, d] = x.dims();
    // Angles are f32, and Burn does not check that the two sides of an operation have one number format.
    let format = x.dtype();
    let x = x.cast(DType::F32);
    let (cos, sin) = (cos.unsqueeze_dim::<3>(1), sin.unsqueeze_dim::<3>(1));
    let (x1, x2) = (x.clone().narrow(2, 0, d / 2), x.narrow(2, d / 2, d / 2));
    let first = x1.clone() * cos.clone() - x2.clone() * sin.clone();
    let second = x2 * cos + x1 * sin;
    Tensor::cat(vec![first, second], 2).cast(format)
}

/// `silu(gate) * up`, with `silu(x) = x * sigmoid(x)`.
///
/// # Shapes
/// - gate, up, output: `[T, inter]`
#[must_use]
pub fn swiglu(gate: Tensor<2>, up: Tensor<2>) -> Tensor<2> {
    gate.clone() * sigmoid(gate) * up
}

/// `y = x W^T`, without a bias.
///
/// # Shapes
/// - x: `[T, in]`
/// - weight: `[out, in]`
/// - y: `[T, out]`
#[must_use]
pub fn linear(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    x.matmul(weight.transpose())
}

/// Rows of the embedding matrix.
///
/// # Shapes
/// - weight: `[vocab, hidden]`
/// - ids: `[T]`
/// - output: `[T, hidden]`
#[must_use]
pub fn embedding(weight: Tensor<2>, ids: Tensor<1, Int>) -> Tensor<2> {
    weight.select(0, ids)
}

/// Splits the projection, rotates queries and keys, attends causally inside each sequence and `window`.
///
/// # Shapes
/// - packed: `[T, (heads + 2 kv_heads) d]`
/// - output: `[T, heads * d]`
#[must_use]
pub fn rotary_attention(
    packed: Tensor<2>,
    shape: HeadShape,
    table: &RopeTable,
    positions: &Positions,
    window: Option<usize>,
) -> Tensor<2> {
    let (q, k, v) = PackedQkv { packed, shape }.split();
    let q = rotate(q, table.cos.clone(), table.sin.clone());
    let k = rotate(k, table.cos.clone(), table.sin.clone());
    let out = packed_attention(q, k, v, positions, window);
    let [tokens, heads, d] = out.dims();
    out.reshape([tokens, heads * d])
}

/// Causal attention inside each sequence of a packed row; every key of the row is new. A query sees the last `window`
/// keys up to its own.
///
/// # Shapes
/// - q, output: `[T, heads, d]`
/// - k, v: `[T, kv_heads, d]`
#[must_use]
pub fn packed_attention(
    q: Tensor<3>,
    k: Tensor<3>,
    v: Tensor<3>,
    positions: &Positions,
    window: Option<usize>,
) -> Tensor<3> {
    let mut start = 0;
    let mut outputs = Vec::with_capacity(positions.runs().len());
    for run in positions.runs() {
        let part = |x: &Tensor<3>| x.clone().narrow(0, start, run.tokens);
        outputs.push(attention(part(&q), part(&k), part(&v), *run, window));
        start += run.tokens;
    }
    if outputs.is_empty() { q } else { Tensor::cat(outputs, 0) }
}

/// Causal attention of one sequence: query i, at position `run.first + i`, sees the last `window` keys up to its own
/// position.
///
/// `softmax(q k^T / sqrt(d)) v`; kv head g serves the query heads `g * heads / kv_heads ..`.
///
/// # Shapes
/// - q, output: `[run.tokens, heads, d]`
/// - k, v: `[run.keys(), kv_heads, d]`
#[must_use]
pub fn attention(q: Tensor<3>, k: Tensor<3>, v: Tensor<3>, run: Run, window: Option<usize>) -> Tensor<3> {
    let [tokens, heads, d] = q.dims();
    let [keys, kv_heads, _] = k.dims();
    let group = heads / kv_heads;
    // The mask is f32, as the angles of `rotate`.
    let format = q.dtype();
    let [q, k, v] = [q, k, v].map(|x| x.cast(DType::F32));
    // [kv_heads, group * tokens, d]: the queries of one kv head follow one another.
    let q = q.swap_dims(0, 1).reshape([kv_heads, group * tokens, d]);
    let scores = q.matmul(k.permute([1, 2, 0])).div_scalar((d as f64).sqrt());
    let bias = causal_bias(run, window, &v.device());
    let scores = scores.reshape([kv_heads, group, tokens, keys]) + bias.unsqueeze();
    let weights = softmax(scores, 3).reshape([kv_heads, group * tokens, keys]);
    let out = weights.matmul(v.swap_dims(0, 1));
    out.reshape([heads, tokens, d]).swap_dims(0, 1).cast(format)
}

/// Writes keys and values of new tokens into their slots.
///
/// # Shapes
/// - blocks, output: `[blocks, 2 kv_heads block_tokens d]`
/// - k, v: `[T, kv_heads, d]`
pub(crate) fn store_keys(
    blocks: Tensor<2>,
    layout: KeyLayout,
    (k, v): (Tensor<3>, Tensor<3>),
    tables: &BlockTables,
) -> Tensor<2> {
    let (shape, kv_heads, d) = (blocks.dims(), layout.shape.kv_heads, layout.head_dim);
    let mut slots = with_slots(blocks, layout);
    // [2, kv_heads, T, d]
    let fresh = Tensor::stack::<4>(vec![k, v], 0).swap_dims(1, 2);
    let mut token = 0;
    for (run, table) in tables.iter() {
        let mut position = run.first;
        while position < run.keys() {
            let (block, slot) =
                (table[position / layout.block_tokens] as usize, position % layout.block_tokens);
            let count = (layout.block_tokens - slot).min(run.keys() - position);
            let part = fresh.clone().narrow(2, token, count).unsqueeze::<5>();
            slots = slots.slice_assign([block..block + 1, 0..2, 0..kv_heads, slot..slot + count, 0..d], part);
            (position, token) = (position + count, token + count);
        }
    }
    slots.reshape(shape)
}

/// Copies the first keys and values of blocks, in order.
///
/// # Shapes
/// - blocks, output: `[blocks, 2 kv_heads block_tokens d]`
pub(crate) fn copy_keys(blocks: Tensor<2>, layout: KeyLayout, copies: &[KeyCopy]) -> Tensor<2> {
    let shape = blocks.dims();
    let mut slots = with_slots(blocks, layout);
    for copy in copies {
        let places = |block: u32| {
            let (block, tokens) = (block as usize, copy.tokens as usize);
            [block..block + 1, 0..2, 0..layout.shape.kv_heads, 0..tokens, 0..layout.head_dim]
        };
        let copied = slots.clone().slice(places(copy.from));
        slots = slots.slice_assign(places(copy.to), copied);
    }
    slots.reshape(shape)
}

/// Attention of new tokens, whose keys are stored already, over the keys of their sequences.
///
/// # Shapes
/// - q: `[T, heads, d]`
/// - blocks: `[blocks, 2 kv_heads block_tokens d]`
/// - output: `[T, heads * d]`
pub(crate) fn paged_attention(
    q: Tensor<3>,
    blocks: &Tensor<2>,
    layout: KeyLayout,
    tables: &BlockTables,
    window: Option<usize>,
) -> Tensor<2> {
    let [tokens, heads, d] = q.dims();
    let mut start = 0;
    let mut outputs = Vec::new();
    for (run, table) in tables.iter().filter(|(run, _)| run.tokens > 0) {
        let (keys, values) = gathered(blocks, layout, &table[..run.keys().div_ceil(layout.block_tokens)]);
        for first in (0..run.tokens).step_by(QUERY_TILE) {
            let tile = Run { first: run.first + first, tokens: QUERY_TILE.min(run.tokens - first) };
            let seen = |x: &Tensor<3>| x.clone().narrow(0, 0, tile.keys());
            let q = q.clone().narrow(0, start + first, tile.tokens);
            outputs.push(attention(q, seen(&keys), seen(&values), tile, window));
        }
        start += run.tokens;
    }
    let out = if outputs.is_empty() { q } else { Tensor::cat(outputs, 0) };
    out.reshape([tokens, heads * d])
}

/// Queries whose scores exist at once.
const QUERY_TILE: usize = 256;

/// Keys and values of the blocks of a sequence, `[slots of all blocks, kv_heads, d]`.
fn gathered(blocks: &Tensor<2>, layout: KeyLayout, table: &[u32]) -> (Tensor<3>, Tensor<3>) {
    let (count, device) = (table.len(), blocks.device());
    let table = table.iter().map(|block| *block as i32).collect::<Vec<_>>();
    let table = Tensor::<1, Int>::from_data(TensorData::new(table, [count]), &device);
    // [2, blocks, slots, kv_heads, d]
    let slots = with_slots(blocks.clone().select(0, table), layout).permute([1, 0, 3, 2, 4]);
    let half = |index: usize| {
        let shape = [count * layout.block_tokens, layout.shape.kv_heads, layout.head_dim];
        slots.clone().narrow(0, index, 1).reshape(shape)
    };
    (half(0), half(1))
}

/// `[blocks, 2, kv_heads, block_tokens, d]`.
fn with_slots(blocks: Tensor<2>, layout: KeyLayout) -> Tensor<5> {
    let [count, _] = blocks.dims();
    blocks.reshape([count, 2, layout.shape.kv_heads, layout.block_tokens, layout.head_dim])
}

/// 0 where the query sees the key, minus infinity elsewhere: `[run.tokens, run.keys()]`.
fn causal_bias(run: Run, window: Option<usize>, device: &burn::tensor::Device) -> Tensor<2> {
    let keys = run.keys();
    let rows = (0..run.tokens).flat_map(|query| {
        let seen = seen_keys(run.first + query, window);
        (0..keys).map(move |key| if seen.contains(&key) { 0.0 } else { f32::NEG_INFINITY })
    });
    Tensor::from_data(
        TensorData::new(rows.collect::<Vec<f32>>(), [run.tokens, keys]),
        &device.clone().inner(),
    )
}

/// Negative log-likelihood of each label under `softmax(logits)`; 0 where there is no label.
///
/// # Shapes
/// - logits: `[T, vocab]`
/// - output: `[T]`
#[must_use]
pub fn cross_entropy(logits: Tensor<2>, labels: &[Option<TokenId>]) -> Tensor<1> {
    let device = logits.device().inner();
    let targets: Vec<i32> = labels.iter().map(|label| label.map_or(0, |id| id.0 as i32)).collect();
    let kept: Vec<f32> = labels.iter().map(|label| if label.is_some() { 1.0 } else { 0.0 }).collect();
    let count = labels.len();
    let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [count, 1]), &device);
    let kept = Tensor::<1>::from_data(TensorData::new(kept, [count]), &device);
    log_softmax(logits, 1).gather(1, targets).reshape([count]).neg() * kept
}

/// A number with the gradient `gradient` by `output`.
///
/// # Shapes
/// - output, gradient: `[T, hidden]`
/// - number: `[1]`
#[must_use]
pub fn seeded(output: Tensor<2>, gradient: Tensor<2>) -> Tensor<1> {
    (output * gradient).sum()
}

/// The sum of two flat gradients.
///
/// # Shapes
/// - total, part, output: `[n]`
#[must_use]
pub fn accumulate(total: Tensor<1>, part: Tensor<1>) -> Tensor<1> {
    total + part
}

/// The global norm, `min(1, max_norm / (norm + 1e-6))`, the index of the first gradient that is not finite, the loss,
/// and 1 or 0 for a step that is applied or skipped.
///
/// # Shapes
/// - gradients: `[n]` each
/// - loss: `[1]`
/// - output: `[5]`
#[must_use]
pub fn global_norm(gradients: &[Tensor<1>], loss: Tensor<1>, max_norm: f32) -> Tensor<1> {
    // The zero in front is finite and adds nothing: without gradients there is still a sum.
    let squares = gradients.iter().map(|gradient| gradient.clone().powi_scalar(2).sum());
    let sums = Tensor::cat([loss.zeros_like()].into_iter().chain(squares).collect(), 0);
    let norm = sums.clone().sum().sqrt();
    let scale = norm.clone().add_scalar(1e-6).recip().mul_scalar(max_norm).clamp_max(1.0);
    let count = gradients.len();
    let places = [count].into_iter().chain(0..count).map(|place| place as f32).collect::<Vec<_>>();
    let places = Tensor::<1>::from_data(TensorData::new(places, [count + 1]), &loss.device());
    let first = places.mask_fill(sums.is_finite(), count as f32).min();
    let applied = norm.clone().is_finite().bool_and(loss.clone().is_finite()).float();
    Tensor::cat(vec![norm, scale, first, loss, applied], 0)
}

/// AdamW: `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p = keep p - step m / (sqrt(v) root + eps)`, with g times
/// the clip factor; nothing changes when the step is skipped.
///
/// # Shapes
/// - state: parameter and moments, `[n]` each
/// - gradient: `[n]`
/// - buffers: coefficients `[6]` and what [`global_norm`] gives
#[must_use]
pub fn adamw(state: [Tensor<1>; 3], gradient: Tensor<1>, buffers: [Tensor<1>; 2]) -> [Tensor<1>; 3] {
    let [coefficients, outcome] = buffers;
    let number = |slot| coefficients.clone().narrow(0, slot, 1);
    let rest = |slot| number(slot).neg().add_scalar(1.0);
    let skipped = outcome.clone().narrow(0, APPLIED, 1).equal_scalar(0.0).expand(gradient.dims());
    let g = gradient * outcome.narrow(0, SCALE, 1);
    let [p, m, v] = state;
    let first = m.clone() * number(BETA1) + g.clone() * rest(BETA1);
    let second = v.clone() * number(BETA2) + g.clone() * g * rest(BETA2);
    let denominator = second.clone().sqrt() * number(ROOT_CORRECTION) + number(EPS);
    let parameter = p.clone() * number(KEEP) - first.clone() * number(STEP_SIZE) / denominator;
    [
        parameter.mask_where(skipped.clone(), p),
        first.mask_where(skipped.clone(), m),
        second.mask_where(skipped, v),
    ]
}
