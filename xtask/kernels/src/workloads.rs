//! What the crates compute on GPUs, at the sizes of real models: every kernel is launched by one of these.
//!
//! Nothing is executed and tensors have no memory, so sizes cost nothing. The sizes of heads are compile-time arguments
//! of the attention kernels; all other sizes are read when a kernel runs.

use burn::tensor::{DType, Device, Int, Tensor};
use cubecl_cuda::Architecture;
use internlm_model::TokenId;
use internlm_model::attend::{HeadShape, PackedQkv};
use internlm_model::kernels::{
    AdamWCoefficients, AdamWState, Int4Weights, KeyCopy, KeyFormat, KeyLayout, Labels, MAX_ENTRIES,
    PagedBatch, PagedKeys, Routine, accumulate, adamw, cross_entropy, embedding, global_norm, int4_linear,
    largest_entries, linear, linear_by, logits, rms_norm, rotary_attention, rotate, swiglu, token_log_probs,
};
use internlm_model::positions::{Positions, Run};
use internlm_model::rope::RopeTable;
use internlm_model::weights::int4::Offset;

/// Tokens of a row: more than three times the rows of logits that exist at once.
const TOKENS: usize = 3300;
/// Sizes of InternLM2 7B.
const HIDDEN: usize = 4096;
const INTER: usize = 14336;
const VOCAB: usize = 92544;
/// Hidden size of SmolLM2 135M, whose rows do not end where CUDA would begin the next one: they are apart.
const UNEVEN: usize = 576;

/// Heads of the attention kernels.
const HEADS: [Heads; 8] = [
    Heads { model: "internlm2 1.8b", heads: 16, kv_heads: 8, d: 128 },
    Heads { model: "internlm2 7b", heads: 32, kv_heads: 8, d: 128 },
    Heads { model: "internlm2 20b", heads: 48, kv_heads: 8, d: 128 },
    Heads { model: "internlm3 8b", heads: 32, kv_heads: 2, d: 128 },
    Heads { model: "smollm2 135m", heads: 9, kv_heads: 3, d: 64 },
    Heads { model: "llama 3.2 1b", heads: 32, kv_heads: 8, d: 64 },
    Heads { model: "heads of 80", heads: 32, kv_heads: 32, d: 80 },
    Heads { model: "phi 3 mini", heads: 32, kv_heads: 32, d: 96 },
];

struct Heads {
    model: &'static str,
    heads: usize,
    kv_heads: usize,
    d: usize,
}

/// One thing that the crates compute.
pub(crate) struct Workload {
    /// What the table says.
    pub(crate) name: String,
    /// Computes it.
    pub(crate) run: Box<dyn Fn(&Device)>,
}

/// The device whose kernels are compiled for `architecture`.
pub(crate) fn device(architecture: Architecture) -> Device {
    internlm_model::device::parse(&format!("cuda:{}", architecture.device().index))
        .expect("there is a device for each architecture")
}

/// All workloads.
pub(crate) fn all() -> Vec<Workload> {
    let workload = |name: &str, run: fn(&Device)| Workload { name: name.to_owned(), run: Box::new(run) };
    let mut all = vec![
        workload("rms norm", norm),
        workload("swiglu", feed_forward),
        workload("rotary", rotary),
        workload("embedding", embed),
        workload("linear", products),
        workload("cross entropy", |device| losses(HIDDEN, device)),
        workload("rows apart", |device| losses(UNEVEN, device)),
        workload("log-probs", log_probs),
        workload("optimizer", optimizer),
        workload("largest", largest),
    ];
    all.extend(HEADS.map(|heads| Workload {
        name: heads.model.to_owned(),
        run: Box::new(move |device| {
            attention(&heads, Format::F32, device);
            paged_attention(&heads, device);
        }),
    }));
    all.extend(Routine::ALL.map(|routine| Workload {
        name: format!("bf16 {routine:?}"),
        run: Box::new(move |device| product_by(routine, device)),
    }));
    all.push(workload("bf16 decoder", half));
    // After the routines, whose kernels it takes for more rows than its own have: the list names them there.
    all.push(workload("int4", int4));
    all.extend(HEADS.map(|heads| Workload {
        name: format!("bf16 {}", heads.model),
        run: Box::new(move |device| attention(&heads, Format::Bf16, device)),
    }));
    all
}

/// The number format of the tensors of a workload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Format {
    F32,
    Bf16,
}

impl Format {
    /// A leaf that requires a gradient.
    fn leaf<const D: usize>(self, shape: [usize; D], device: &Device) -> Tensor<D> {
        let dtype = if self == Self::F32 { DType::F32 } else { DType::BF16 };
        Tensor::zeros(shape, (&device.clone().autodiff(), dtype)).require_grad()
    }
}

fn zeros<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::zeros(shape, device)
}

/// A leaf in f32 that requires a gradient.
fn leaf<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Format::F32.leaf(shape, device)
}

fn differentiate<const D: usize>(y: Tensor<D>) {
    let _gradients = y.backward();
}

fn norm(device: &Device) {
    differentiate(rms_norm(leaf([TOKENS, HIDDEN], device), leaf([HIDDEN], device), 1e-5));
}

fn feed_forward(device: &Device) {
    differentiate(swiglu(leaf([TOKENS, INTER], device), leaf([TOKENS, INTER], device)));
}

fn rotary(device: &Device) {
    let table = || zeros([TOKENS, 64], device);
    differentiate(rotate(leaf([TOKENS, 32, 128], device), table(), table()));
}

fn embed(device: &Device) {
    let ids = Tensor::<1, Int>::zeros([TOKENS], device);
    differentiate(embedding(leaf([VOCAB, HIDDEN], device), ids));
}

/// Products of a step of training, of a prompt, and of the tokens of a few sequences, whose rows may end anywhere.
fn products(device: &Device) {
    differentiate(linear(leaf([TOKENS, HIDDEN], device), leaf([INTER, HIDDEN], device)));
    differentiate(linear(leaf([TOKENS, INTER], device), leaf([HIDDEN, INTER], device)));
    for tokens in [1, 2, 4, 8, 16] {
        let _ = linear(zeros([tokens, HIDDEN], device), zeros([VOCAB, HIDDEN], device));
        let _ = linear(zeros([tokens, UNEVEN + 1], device), zeros([HIDDEN, UNEVEN + 1], device));
    }
}

/// The products of a layer in bf16 by one routine; a card may lack what the routine needs.
fn product_by(routine: Routine, device: &Device) {
    let [x, weight] =
        [[TOKENS, HIDDEN], [INTER, HIDDEN]].map(|shape| Format::Bf16.leaf(shape, device).inner());
    let _ = linear_by(routine, &x, &weight);
}

/// What a decoder in bf16 does besides attention, forward and backward.
fn half(device: &Device) {
    let leaf = |shape: [usize; 2]| Format::Bf16.leaf(shape, device);
    for hidden in [HIDDEN, UNEVEN] {
        let states = || leaf([TOKENS, hidden]);
        differentiate(rms_norm(states(), Format::Bf16.leaf([hidden], device), 1e-5));
        differentiate(swiglu(states(), states()));
        differentiate(linear(states(), leaf([INTER, hidden])));
        let labels = labels();
        differentiate(cross_entropy(states(), leaf([VOCAB, hidden]), &labels).sum);
        differentiate(token_log_probs(states(), leaf([VOCAB, hidden]), &labels));
        for tokens in [1, 2, 4, 8, 16] {
            let row = || leaf([tokens, hidden]).inner();
            let _ = linear(row(), leaf([INTER, hidden]).inner());
            let _ = logits(row(), leaf([VOCAB, hidden]).inner());
        }
        let _ = logits(states().inner(), leaf([VOCAB, hidden]).inner());
    }
    let ids = Tensor::<1, Int>::zeros([TOKENS], device);
    differentiate(embedding(leaf([VOCAB, HIDDEN]), ids));
    let table = || zeros([TOKENS, 64], device);
    differentiate(rotate(Format::Bf16.leaf([TOKENS, 32, 128], device), table(), table()));
}

/// Products with codes of 4 bits, of groups of the usual sizes and of blocks with minima, in f32 and bf16.
fn int4(device: &Device) {
    let words = |columns: usize| Tensor::<2, Int>::zeros([INTER, columns], (device, DType::U32));
    for (group, offset) in [(128, Offset::Zero), (32, Offset::Minimum)] {
        let (codes, scales) = (words(HIDDEN / 8), words(HIDDEN / group));
        let weights = Int4Weights { codes, scales, group, offset };
        for format in [Format::F32, Format::Bf16] {
            for tokens in [1, 2, 4, 8, 16, 40, 200, TOKENS] {
                let _ = int4_linear(format.leaf([tokens, HIDDEN], device).inner(), &weights);
            }
        }
    }
}

/// A label for every token, so that logits are made in several parts.
fn labels() -> Vec<Option<TokenId>> {
    vec![Some(TokenId(7)); TOKENS]
}

fn losses(hidden: usize, device: &Device) {
    let (labels, weights) = (labels(), vec![0.5; TOKENS]);
    let labels = Labels::new(&labels).with_weights(Some(&weights));
    let loss = cross_entropy(leaf([TOKENS, hidden], device), leaf([VOCAB, hidden], device), labels);
    differentiate(loss.sum);
    let _ = cross_entropy(zeros([TOKENS, hidden], device), zeros([VOCAB, hidden], device), labels);
}

fn log_probs(device: &Device) {
    let labels = labels();
    let states = || leaf([TOKENS, HIDDEN], device);
    differentiate(token_log_probs(states(), leaf([VOCAB, HIDDEN], device), &labels));
    differentiate(token_log_probs(states(), zeros([VOCAB, HIDDEN], device), &labels));
}

fn attention(heads: &Heads, format: Format, device: &Device) {
    let Heads { heads, kv_heads, d, .. } = *heads;
    let shape = HeadShape { heads, kv_heads };
    let table = RopeTable { cos: zeros([TOKENS, d / 2], device), sin: zeros([TOKENS, d / 2], device) };
    let positions = Positions::packed(&[0, 1, 1000, TOKENS]);
    let packed = format.leaf([TOKENS, (heads + 2 * kv_heads) * d], device);
    differentiate(rotary_attention(packed, shape, &table, &positions, Some(512)));
}

/// One step on two tensors whose gradients come in two parts.
fn optimizer(device: &Device) {
    let flat = || zeros([HIDDEN * HIDDEN], device);
    let gradients = [accumulate(flat(), flat()), flat()];
    let norm = global_norm(&gradients, zeros([1], device), 1.0);
    let coefficients = AdamWCoefficients {
        beta1: 0.9,
        beta2: 0.95,
        root_correction: 1.0,
        eps: 1e-8,
        step_size: 1e-4,
        keep: 0.99,
    };
    let coefficients = coefficients.upload(device);
    for gradient in gradients {
        let state = AdamWState { parameter: flat(), first: flat(), second: flat() };
        let _ = adamw(state, gradient, &coefficients, &norm);
    }
}

/// Rows of logits whose next token is the largest, or is drawn from the 50 largest or the largest that there can be.
fn largest(device: &Device) {
    for count in [1, 50, MAX_ENTRIES] {
        let _ = largest_entries(&zeros([16, VOCAB], device), count);
    }
}

/// A prompt that continues after its first keys, a single token, and a copied block, over floats and over codes.
fn paged_attention(heads: &Heads, device: &Device) {
    let Heads { heads, kv_heads, d, .. } = *heads;
    let shape = HeadShape { heads, kv_heads };
    let runs = vec![Run { first: 70, tokens: 300 }, Run { first: 1000, tokens: 1 }];
    let tokens = runs.iter().map(|run| run.tokens).sum();
    for (format, window) in [
        (KeyFormat::F32, None),
        (KeyFormat::F32, Some(512)),
        (KeyFormat::Bf16, None),
        (KeyFormat::F16, None),
        (KeyFormat::Int8, None),
        (KeyFormat::Int4, None),
    ] {
        let layout = KeyLayout { shape, head_dim: d, block_tokens: 64, format };
        // Heads of 80 numbers have no groups of 32.
        if !PagedKeys::takes(layout, device) {
            continue;
        }
        let mut keys = PagedKeys::new(layout, 32, device);
        keys.copy(&[KeyCopy { from: 0, to: 31, tokens: 5 }]);
        let batch = PagedBatch::new(runs.clone(), vec![(0..8).collect(), (8..24).collect()]);
        let packed = zeros([tokens, (heads + 2 * kv_heads) * d], device);
        let _ = keys.attend(PackedQkv { packed, shape }, &batch, window);
    }
}
