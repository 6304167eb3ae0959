//! [`Decoder`]: the forward, and what is computed from its output.
//!
//! `h = embedding(ids)`; every block adds attention and feed-forward to h; a final norm; logits by the output
//! matrix, or by the embedding when tied. As `InternLM2ForCausalLM` of upstream's `modeling_internlm2.py`. Families
//! differ by switches of [`ModelConfig`], never by another forward.

use std::path::Path;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{self, Device, Int, Tensor, TensorData};
use internlm_kit::rng::CounterRng;

use super::block::Block;
use super::build::{Builder, Codes};
use super::norm::RmsNorm;
use crate::attend::Attend;
use crate::config::{DType, ModelConfig};
use crate::device::is_gpu;
use crate::kernels::{self, CrossEntropy, Labels};
use crate::linear::{Dense, Linear, Noise};
use crate::positions::Positions;
use crate::precision::Precision;
use crate::rope::{Rope, RopeTable};
use crate::weights::int4::QuantizationConfig;
use crate::weights::names::Slot;
use crate::{Error, Result, TokenId, weights};

/// The vectors of the vocabulary.
#[derive(Module, Debug)]
pub struct Embedding {
    /// Matrix `[vocab, hidden]` with one row per token.
    pub weight: Param<Tensor<2>>,
}

/// A causal language model; field names are those of the InternLM2 checkpoint.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use internlm_model::attend::Causal;
/// use internlm_model::{Decoder, ModelConfig, ModelSize};
///
/// let size = ModelSize { hidden: 32, layers: 1, heads: 2, inter: 64, vocab: 40 };
/// let device = Device::flex();
/// let decoder = Decoder::init(&ModelConfig::new(size), 42, &device);
/// let ids = Tensor::<1, Int>::from_data([1, 5, 7], &device);
/// let hidden = decoder.forward(ids, &mut Causal::sequence(3));
/// assert_eq!(decoder.logits(hidden).dims(), [3, 40]);
/// ```
#[derive(Module, Debug)]
pub struct Decoder {
    /// Input vectors of the tokens; also the output matrix when [`Decoder::output`] is absent.
    pub tok_embeddings: Embedding,
    /// The blocks, first to last.
    pub layers: Vec<Block>,
    /// Norm of the last hidden state.
    pub norm: RmsNorm,
    /// Output matrix, `[vocab, hidden]`; absent when tied to the embedding. A reward model's value head, `[1, hidden]`.
    pub output: Option<Linear>,
    /// Rotation of queries and keys.
    #[module(skip)]
    pub rope: Rope,
    /// Shared, because modules are cloned often (a step of an optimizer, a view for measuring).
    #[module(skip)]
    config: Arc<ModelConfig>,
    /// The number of the present pass, for the random parts of training.
    #[module(skip)]
    noise: Noise,
    /// Noise on the embeddings in training; `None` for none.
    #[module(skip)]
    embedding_noise: Option<EmbeddingNoise>,
    /// What is computed in; weights of another format are rounded to it when they are used.
    #[module(skip)]
    precision: Precision,
}

/// Uniform noise on the embeddings of a training pass (NEFTune, Jain et al., 2023): each number of a sample of L tokens
/// is changed by up to `alpha / sqrt(L hidden)`.
#[derive(Clone, Copy, Debug)]
pub struct EmbeddingNoise {
    /// Strength alpha; 5 in the paper.
    pub alpha: f64,
    /// Numbers of the run.
    pub rng: CounterRng,
}

impl Decoder {
    /// Random weights for pre-training: matrices N(0, 0.02), those that write to the residual stream (`wo`, `w2` of
    /// layer l) N(0, 0.02 / sqrt(2 (l + 1))), norms 1, biases 0. Pure function of the seed and the tensor names.
    #[must_use]
    pub fn init(config: &ModelConfig, seed: u64, device: &Device) -> Self {
        Self::assemble(config, &Builder::random(seed, device)).expect("random tensors have the right shapes")
    }

    /// As [`Decoder::init`], with numbers that `device` draws itself: fast at any size, but other ones on every kind of
    /// device. For measurements.
    #[must_use]
    pub fn init_on_device(config: &ModelConfig, seed: u64, device: &Device) -> Self {
        let builder = Builder::drawn(seed, None, device, Precision::F32Exact);
        Self::assemble(config, &builder).expect("random tensors have the right shapes")
    }

    /// As [`Decoder::init_on_device`], rounded to `precision`, which everything is computed in. With the settings of a
    /// 4-bit quantizer in the config, GPUs get all matrices of the blocks as codes, inputs in their usual order.
    ///
    /// # Errors
    /// A precision that the device does not compute in, settings that are not read, groups that are not whole.
    pub fn init_on_device_in(
        config: &ModelConfig,
        seed: u64,
        device: &Device,
        precision: Precision,
    ) -> Result<Self> {
        precision.check(device)?;
        let quantization = if is_gpu(device) { QuantizationConfig::of(config)? } else { None };
        Self::assemble(config, &Builder::drawn(seed, quantization, device, precision))
    }

    /// Reads a Hugging Face folder or a GGUF file, widened to f32: every weight can be trained.
    ///
    /// # Errors
    /// Whatever is wrong with the config or the weights, naming file, tensor, found and expected.
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self> {
        Self::read(path.as_ref(), Codes::Widened, device, Precision::F32Exact)
    }

    /// As [`Decoder::load`], to compute in `precision` and not to train: matrices are rounded to it, but on GPUs the 4-bit
    /// codes of blocks (AWQ, GPTQ, compressed-tensors, Q4_0, Q4_1) stay codes ([`Linear::Int4`]).
    ///
    /// # Errors
    /// Those of [`Decoder::load`], and a precision that the device does not compute in.
    pub fn load_in(path: impl AsRef<Path>, device: &Device, precision: Precision) -> Result<Self> {
        Self::read(path.as_ref(), Codes::Kept, device, precision)
    }

    fn read(path: &Path, codes: Codes, device: &Device, precision: Precision) -> Result<Self> {
        precision.check(device)?;
        let (config, source) = weights::open(path)?;
        Self::assemble(&config, &Builder::stored(source.as_ref(), codes, device, precision))
    }

    fn assemble(config: &ModelConfig, builder: &Builder<'_>) -> Result<Self> {
        let output = Slot::output(config).map(|slot| builder.linear(slot, config)).transpose()?;
        Ok(Self {
            tok_embeddings: Embedding { weight: builder.matrix(Slot::Embedding, config)? },
            layers: (0..config.layers).map(|layer| builder.block(config, layer)).collect::<Result<_>>()?,
            norm: builder.norm(Slot::Norm, config)?,
            output,
            rope: Rope::new(config),
            config: Arc::new(config.clone()),
            noise: Noise::default(),
            embedding_noise: None,
            precision: builder.precision(),
        })
    }

    /// The shape of the model and the settings that travel with it: what [`Decoder::save`] writes.
    #[must_use]
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// Replaces the end-of-text tokens of the config. A tuned model, for instance, also ends at the end of a turn.
    #[must_use]
    pub fn with_eos(mut self, eos: Vec<TokenId>) -> Self {
        Arc::make_mut(&mut self.config).eos = eos;
        self
    }

    /// Replaces the storage type in which [`Decoder::save`] writes; in memory weights stay as they are.
    #[must_use]
    pub fn with_dtype(mut self, dtype: DType) -> Self {
        Arc::make_mut(&mut self.config).dtype = dtype;
        self
    }

    /// Computes in `precision`, whatever the weights are stored in: each is rounded when it is used (biases are not), and
    /// its gradient is f32. So weights in f32 stay the master weights of training in 16 bits (Micikevicius et al., "Mixed
    /// Precision Training", 2018).
    ///
    /// # Errors
    /// A precision that the device of the weights does not compute in.
    pub fn with_precision(self, precision: Precision) -> Result<Self> {
        precision.check(&self.tok_embeddings.weight.device().inner())?;
        Ok(Self { precision, ..self })
    }

    /// What the decoder computes in.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Replaces all settings, of which the caller has made the weights.
    pub(crate) fn with_config(self, config: ModelConfig) -> Self {
        Self { config: Arc::new(config), ..self }
    }

    /// Adds noise to the embeddings in training passes; what measures and serves never sees it.
    #[must_use]
    pub fn with_embedding_noise(self, noise: EmbeddingNoise) -> Self {
        Self { embedding_noise: Some(noise), ..self }
    }

    /// The number of the present pass, which a trainer sets and dropout reads.
    #[must_use]
    pub fn noise(&self) -> &Noise {
        &self.noise
    }

    /// The same model with every adapter taken off; layers share their memory with this one's.
    #[must_use]
    pub fn without_adapters(mut self) -> Self {
        self.change_linears(Linear::without_adapter);
        self
    }

    fn change_linears(&mut self, change: impl Fn(Linear) -> Linear) {
        for (_, linear) in self.linears_mut() {
            let empty = Linear::dense(Tensor::zeros([1, 1], &Device::default()), None);
            let taken = std::mem::replace(linear, empty);
            *linear = change(taken);
        }
    }

    /// Ids to the final norm's output; `attend` knows the positions of the tokens and holds the keys.
    ///
    /// # Shapes
    /// - ids: `[T]`, one packed row
    /// - output: `[T, hidden]`
    pub fn forward(&self, ids: Tensor<1, Int>, attend: &mut dyn Attend) -> Tensor<2> {
        let h = self.first_hidden(ids, attend.positions());
        let table = self.rope.table(attend.positions(), &h.device());
        self.through_layers(h, &table, attend)
    }

    /// As [`Decoder::forward`] outside of training, with a rotation that is on the device already: nothing is copied there.
    ///
    /// # Shapes
    /// - ids: `[T]`, one packed row
    /// - output: `[T, hidden]`
    pub fn forward_rotated(
        &self,
        ids: Tensor<1, Int>,
        table: &RopeTable,
        attend: &mut dyn Attend,
    ) -> Tensor<2> {
        self.through_layers(self.embed(ids), table, attend)
    }

    fn through_layers(&self, mut h: Tensor<2>, table: &RopeTable, attend: &mut dyn Attend) -> Tensor<2> {
        for (layer, block) in self.layers.iter().enumerate() {
            h = block.forward(h, layer, table, attend);
        }
        self.norm.forward(h)
    }

    /// The input of the first layer: the vectors of ids, in training passes with the noise on the embeddings.
    ///
    /// # Shapes
    /// - ids: `[T]`
    /// - output: `[T, hidden]`
    #[must_use]
    pub fn first_hidden(&self, ids: Tensor<1, Int>, positions: &Positions) -> Tensor<2> {
        let h = self.embed(ids);
        match self.embedding_noise.filter(|_| h.device().is_autodiff()) {
            Some(noise) => {
                let numbers = noise.numbers(&h, positions, self.noise.stream(noise.rng));
                h.clone() + numbers.cast(h.dtype())
            }
            None => h,
        }
    }

    /// The input vectors of ids.
    ///
    /// # Shapes
    /// - ids: `[T]`
    /// - output: `[T, hidden]`
    #[must_use]
    pub fn embed(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        kernels::embedding(self.tok_embeddings.weight.val(), ids).cast(self.precision.dtype())
    }

    /// Scores of every vocabulary entry (of a reward model: the value, vocab = 1).
    ///
    /// # Shapes
    /// - hidden: `[T, hidden]`, the output of [`Decoder::forward`]
    /// - output: `[T, vocab]`, f32
    #[must_use]
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        match self.output_matrix(&hidden) {
            Ok(matrix) => kernels::logits(hidden, matrix),
            Err(Linear::Dense(Dense { weight, bias: Some(bias) })) => {
                kernels::logits(hidden.clone(), weight.val().cast(hidden.dtype())) + bias.val().unsqueeze()
            }
            Err(output) => output.forward(hidden.cast(tensor::DType::F32)),
        }
    }

    /// Width of [`Decoder::logits`]: the vocabulary, 1 for a reward model.
    #[must_use]
    pub fn logits_width(&self) -> usize {
        self.output.as_ref().map_or_else(|| self.tok_embeddings.weight.dims()[0], |output| output.shape()[0])
    }

    /// Sum of `-log p(label)` over the labels that are there; logits `[T, vocab]` are never held whole on the CPU.
    ///
    /// # Shapes
    /// - hidden: `[T, hidden]`
    /// - labels: T
    #[must_use]
    pub fn cross_entropy<'a>(&self, hidden: Tensor<2>, labels: impl Into<Labels<'a>>) -> CrossEntropy {
        match self.output_matrix(&hidden) {
            Ok(matrix) => kernels::cross_entropy(hidden, matrix, labels),
            Err(_) => CrossEntropy::of_logits(self.logits(hidden), labels.into()),
        }
    }

    /// `log p(label)` of each token, 0 where there is no label, differentiable; logits are never held whole on the CPU.
    ///
    /// # Shapes
    /// - hidden: `[T, hidden]`
    /// - labels: T
    /// - output: `[T]`
    #[must_use]
    pub fn token_log_probs(&self, hidden: Tensor<2>, labels: &[Option<TokenId>]) -> Tensor<1> {
        match self.output_matrix(&hidden) {
            Ok(matrix) => kernels::token_log_probs(hidden, matrix, labels),
            Err(_) => kernels::plain::cross_entropy(self.logits(hidden), labels).neg(),
        }
    }

    /// The output matrix in the number format of `hidden`, or the layer when it is more than a matrix.
    fn output_matrix(&self, hidden: &Tensor<2>) -> Result<Tensor<2>, &Linear> {
        let matrix = match &self.output {
            None => &self.tok_embeddings.weight,
            Some(Linear::Dense(Dense { weight, bias: None })) => weight,
            Some(output) => return Err(output),
        };
        Ok(matrix.val().cast(hidden.dtype()))
    }

    /// All adapters merged and all quantized layers dequantized.
    #[must_use]
    pub fn merged(mut self) -> Self {
        self.change_linears(Linear::merge);
        self
    }

    /// Ids as the tensor [`Decoder::forward`] takes.
    ///
    /// # Errors
    /// An id that is not below `vocab`.
    pub fn ids(&self, ids: &[TokenId], device: &Device) -> Result<Tensor<1, Int>> {
        let vocab = self.tok_embeddings.weight.dims()[0];
        if let Some((index, &found)) = ids.iter().enumerate().find(|(_, id)| id.index() >= vocab) {
            return Err(Error::UnknownToken { index, found, vocab });
        }
        let values: Vec<i32> = ids.iter().map(|id| id.0 as i32).collect();
        Ok(Tensor::from_data(TensorData::new(values, [ids.len()]), device))
    }
}

impl EmbeddingNoise {
    /// The noise of one pass, `[T, hidden]`, without autodiff.
    fn numbers(&self, h: &Tensor<2>, positions: &Positions, rng: CounterRng) -> Tensor<2> {
        let [tokens, hidden] = h.dims();
        let lengths = positions.runs().iter().flat_map(|run| std::iter::repeat_n(run.tokens, run.tokens));
        let mut values = Vec::with_capacity(tokens * hidden);
        for (token, length) in lengths.enumerate() {
            let spread = self.alpha / ((length * hidden) as f64).sqrt();
            let numbers =
                (token * hidden..(token + 1) * hidden).map(|index| 2.0 * rng.f64(index as u64) - 1.0);
            values.extend(numbers.map(|number| (spread * number) as f32));
        }
        Tensor::from_data(TensorData::new(values, [tokens, hidden]), &h.device().inner())
    }
}
