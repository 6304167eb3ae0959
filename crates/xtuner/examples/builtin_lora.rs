//! Times a training step of this crate's adapters against Burn's built-in ones.
//!
//! `builtin_lora [SHAPE] [RANK] [TOKENS] [ROUNDS]`, by default 4m, 16, 512 and 7:
//! `cargo run --release -p xtuner --example builtin_lora -- 135m 16 512 7`
//!
//! Both sides train the same decoder from the same weights on the same row: forward, cross entropy, backward, clip of the
//! global norm, AdamW of the adapters on `wqkv`, `wo`, `w1`, `w3` and `w2` of every layer. They differ in the adapter only:
//!
//! - `xtuner`: `y = x W^T + s (x A^T) B^T` in fused kernels; no gradient of the shape of W exists.
//! - `burn`: `Module::apply_lora` of burn-core 0.22.1. Every layer of the decoder reads its matrix through `Param::val`,
//!   which composes `W + s a b`; autodiff keeps the sum and forms its dense gradient. The same fused kernels compute
//!   everything else, so that the comparison is in Burn's favor.
//!
//! Steps are interleaved, and the first two of each side are not measured. Nothing is printed unless the first losses
//! agree, since both adapters begin as zero, and the losses of both sides have fallen at the end.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use anyhow::{Context, ensure};
use burn::module::{Lora, Module, ModuleMapper, ModuleVisitor, Param, ParamGroup};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use internlm_model::attend::Causal;
use internlm_model::decoder::Decoder;
use internlm_model::parameter::numbers;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use internlm_train::optim::{AdamW, Moments, OptimConfig, clip_scale, squared_norm};
use internlm_train::{Row, Trainer, TrainerConfig};
use xtuner::lora::{LoraTuningConfig, inject};

/// Layers with an adapter, by the ends of their names.
const TARGETS: [&str; 5] = ["wqkv", "wo", "w1", "w3", "w2"];
/// Learning rate of both sides.
const RATE: f64 = 1e-3;
/// Steps of each side that are not measured.
const WARMUP: usize = 2;
/// Goal of the ratio.
const GOAL: f64 = 1.4;

/// Shapes of `internlm-train bench`: hidden, layers, heads, heads of keys and values, inter, vocabulary.
const SHAPES: [(&str, [usize; 6]); 3] = [
    ("4m", [256, 4, 4, 2, 1024, 2048]),
    ("19m", [384, 8, 6, 2, 1024, 8192]),
    ("135m", [576, 30, 9, 3, 1536, 49152]),
];

/// What is measured.
struct Arguments {
    model: ModelConfig,
    rank: usize,
    tokens: usize,
    rounds: usize,
}

impl Arguments {
    fn read() -> anyhow::Result<Self> {
        let given: Vec<String> = std::env::args().skip(1).collect();
        let shape = given.first().map_or("4m", String::as_str);
        let known = SHAPES.map(|(name, _)| name).join(", ");
        let found = SHAPES.iter().find(|(name, _)| *name == shape);
        let (_, sizes) = found.with_context(|| format!("shape: found `{shape}`, expected one of {known}"))?;
        let [hidden, layers, heads, kv_heads, inter, vocab] = *sizes;
        let size = ModelSize { hidden, layers, heads, inter, vocab };
        let number = |place: usize, name: &str, default: usize| match given.get(place) {
            None => Ok(default),
            Some(text) => text
                .parse::<usize>()
                .ok()
                .filter(|number| *number > 0)
                .with_context(|| format!("{name}: found `{text}`, expected a number above 0")),
        };
        Ok(Self {
            model: ModelConfig::new(size).with_kv_heads(kv_heads),
            rank: number(1, "rank", 16)?,
            tokens: number(2, "tokens", 512)?,
            rounds: number(3, "rounds", 7)?,
        })
    }

    /// One sequence of random ids.
    fn row(&self) -> Row {
        let rng = CounterRng::new(0, "builtin_lora");
        let id = |counter| TokenId(rng.below(counter, self.model.vocab as u64) as u32);
        let ids: Vec<TokenId> = (0..=self.tokens as u64).map(id).collect();
        Row {
            ids: ids[..self.tokens].to_vec(),
            labels: ids[1..].iter().copied().map(Some).collect(),
            cu_seqlens: vec![0, self.tokens],
            weights: None,
        }
    }
}

/// A decoder with Burn's adapters and the optimizer of their factors.
struct Builtin {
    decoder: Decoder,
    optim: OptimConfig,
    moments: Vec<Moments>,
    updates: u64,
}

impl Builtin {
    fn new(decoder: Decoder, rank: usize, optim: &OptimConfig) -> Self {
        let target = |name: &str| TARGETS.iter().any(|target| name.ends_with(&format!(".{target}.weight")));
        let parameters = decoder.parameters();
        let ids = parameters.iter().filter(|(name, _)| target(name)).map(|(_, parameter)| parameter.id());
        let lora = Lora::new(rank, 2.0 * rank as f64).set_param_group(ParamGroup::from_ids(ids.collect()));
        let decoder = decoder.apply_lora(lora).train();
        Self { decoder, optim: optim.clone(), moments: Vec::new(), updates: 0 }
    }

    /// One optimizer step; gives the loss before it.
    fn step(&mut self, row: &Row) -> anyhow::Result<f64> {
        let device = self.decoder.tok_embeddings.weight.device().inner();
        let ids = self.decoder.ids(&row.ids, &device)?;
        let hidden = self.decoder.forward(ids, &mut Causal::packed(&row.cu_seqlens));
        let labels = row.targets() as f64;
        let loss = self.decoder.cross_entropy(hidden, &row.labels).sum.div_scalar(labels);
        let value = numbers(loss.clone()).first().copied().map_or(f64::NAN, f64::from);
        let mut factors = Factors { tape: loss.backward(), gradients: Vec::new() };
        self.decoder.visit(&mut factors);
        let gradients = factors.gradients;
        if self.moments.is_empty() {
            self.moments = gradients.iter().map(|gradient| Moments::zeros(gradient.len())).collect();
        }
        let norm = gradients.iter().map(|gradient| squared_norm(gradient)).sum::<f64>().sqrt();
        self.updates += 1;
        let scale = clip_scale(norm, self.optim.clip);
        let adamw = AdamW::new(&self.optim, RATE, self.updates, scale);
        let mut update = Update { adamw, gradients: &gradients, moments: &mut self.moments, place: 0 };
        self.decoder = self.decoder.clone().map(&mut update);
        Ok(value)
    }
}

/// Takes the gradients of what is trained, in the order of the module.
struct Factors {
    tape: Gradients,
    gradients: Vec<Vec<f32>>,
}

impl ModuleVisitor for Factors {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if param.is_require_grad() {
            self.gradients.extend(param.val().grad_remove(&mut self.tape).map(numbers));
        }
    }
}

/// Updates what is trained, in the same order.
struct Update<'a> {
    adamw: AdamW,
    gradients: &'a [Vec<f32>],
    moments: &'a mut [Moments],
    place: usize,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.is_require_grad() {
            return param;
        }
        let (id, value, mapper) = param.consume();
        let (shape, device) = (value.shape(), value.device());
        let mut values = numbers(value);
        let (gradient, moments) = (&self.gradients[self.place], &mut self.moments[self.place]);
        self.adamw.update(&mut values, gradient, moments, D);
        self.place += 1;
        let value = Tensor::<D>::from_data(TensorData::new(values, shape), &device.inner());
        Param::from_mapped_value(id, value.autodiff().set_require_grad(true), mapper)
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.as_slice() {
        [] => f64::NAN,
        values => f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]),
    }
}

/// The losses of two sides that begin with the same model, and that have to fall.
fn check(first: (f64, f64), last: (f64, f64)) -> anyhow::Result<()> {
    let apart = (first.0 - first.1).abs() / first.0;
    ensure!(apart < 1e-4, "the first losses differ: xtuner {}, burn {}", first.0, first.1);
    ensure!(last.0 < first.0 && last.1 < first.1, "a side does not learn: {first:?}, then {last:?}");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::read()?;
    let Arguments { model, rank, tokens, rounds } = &arguments;
    let decoder = Decoder::init(model, 42, &Device::flex());
    let optim = OptimConfig::with_lr(RATE).with_weight_decay(0.0);
    let lora = LoraTuningConfig::new(*rank, 2.0 * *rank as f64);
    let mut settings = TrainerConfig::new((WARMUP + rounds) as u64, RATE).with_pass_tokens(*tokens);
    settings.optim = optim.clone();
    // The rate of the other side is constant.
    (settings.schedule.warmup_ratio, settings.schedule.eta_min) = (0.0, RATE);
    let mut own = Trainer::new(model.clone(), inject(decoder.clone(), &lora, 1)?, settings)?;
    let mut builtin = Builtin::new(decoder, *rank, &optim);
    let row = [arguments.row()];

    let (mut seconds, mut losses) = ([Vec::new(), Vec::new()], Vec::new());
    for round in 0..WARMUP + rounds {
        let start = Instant::now();
        let own_loss = own.step(&row)?.loss;
        let middle = Instant::now();
        let builtin_loss = builtin.step(&row[0])?;
        let end = Instant::now();
        losses.push((own_loss, builtin_loss));
        if round >= WARMUP {
            seconds[0].push((middle - start).as_secs_f64());
            seconds[1].push((end - middle).as_secs_f64());
        }
    }
    let (first, last) = (losses.first().copied(), losses.last().copied());
    check(first.context("no step")?, last.context("no step")?)?;
    let [own, builtin] = seconds.map(median);
    println!("rank {rank}, {tokens} tokens, {rounds} interleaved rounds, {} parameters", model.parameters());
    println!("xtuner  {:>9.2} ms  {:>7.0} tokens/s", 1e3 * own, *tokens as f64 / own);
    println!("burn    {:>9.2} ms  {:>7.0} tokens/s", 1e3 * builtin, *tokens as f64 / builtin);
    println!("ratio   {:>9.2}     goal {GOAL}", builtin / own);
    Ok(())
}
