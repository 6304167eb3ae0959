//! The decoder-only transformer of the InternLM2 family, one forward for training, prefill and decoding.
//!
//! `h = embedding(ids)`; every block adds attention and feed-forward to h; a final norm; logits by the output
//! matrix, or by the embedding when tied. As `InternLM2ForCausalLM` of upstream's `modeling_internlm2.py`. Families
//! differ by switches of [`ModelConfig`], never by another forward.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::attend::Attend;
use crate::block::Block;
use crate::build::Builder;
use crate::config::{Family, ModelConfig};
use crate::kernels::{self, CrossEntropy};
use crate::linear::Linear;
use crate::norm::RmsNorm;
use crate::parameter::{Parameter, ParameterMut};
use crate::rope::Rope;
use crate::{Error, Result, TokenId, weights};

/// The vectors of the vocabulary.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[vocab, hidden]`.
    pub weight: Param<Tensor<2>>,
}

/// A causal language model; field names are those of the InternLM2 checkpoint.
///
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use internlm_model::attend::Causal;
/// use internlm_model::decoder::Decoder;
/// use internlm_model::ModelConfig;
///
/// let config: ModelConfig = toml::from_str("hidden = 32\nlayers = 1\nheads = 2\ninter = 64\nvocab = 40")?;
/// let device = Device::flex();
/// let decoder = Decoder::init(&config, 42, &device);
/// let ids = Tensor::<1, Int>::from_data([1, 5, 7], &device);
/// let hidden = decoder.forward(ids, &mut Causal::sequence(3));
/// assert_eq!(decoder.logits(hidden).dims(), [3, 40]);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Module, Debug)]
pub struct Decoder {
    /// Input vectors.
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
    /// Name of the output matrix in checkpoints: `output` or `v_head`.
    #[module(skip)]
    output_name: &'static str,
}

impl Decoder {
    /// Random weights for pre-training: matrices N(0, 0.02), those that write to the residual stream (`wo`, `w2` of
    /// layer l) N(0, 0.02 / sqrt(2 (l + 1))), norms 1, biases 0. Pure function of the seed and the tensor names.
    #[must_use]
    pub fn init(config: &ModelConfig, seed: u64, device: &Device) -> Self {
        Self::assemble(config, &mut Builder::random(seed, device))
            .expect("random tensors have the right shapes")
    }

    /// Reads a Hugging Face folder or a GGUF file, widened to f32.
    ///
    /// # Errors
    /// Whatever is wrong with the config or the weights, naming file, tensor, found and expected.
    pub fn load(path: &Path, device: &Device) -> Result<(ModelConfig, Self)> {
        let (config, source) = weights::open(path)?;
        let decoder = Self::assemble(&config, &mut Builder::stored(source.as_ref(), device))?;
        Ok((config, decoder))
    }

    fn assemble(config: &ModelConfig, builder: &mut Builder<'_>) -> Result<Self> {
        let output_name = if config.family == Family::InternLm2Reward { "v_head" } else { "output" };
        let output_rows = if config.family == Family::InternLm2Reward { 1 } else { config.vocab };
        let matrix = builder.matrix("model.tok_embeddings.weight", [config.vocab, config.hidden], 0.02)?;
        Ok(Self {
            tok_embeddings: Embedding { weight: Param::from_tensor(matrix) },
            layers: (0..config.layers).map(|layer| builder.block(config, layer)).collect::<Result<_>>()?,
            norm: builder.norm("model.norm", config)?,
            output: match config.tied {
                true => None,
                false => {
                    let matrix = builder.matrix(
                        &format!("{output_name}.weight"),
                        [output_rows, config.hidden],
                        0.02,
                    )?;
                    Some(Linear::dense(matrix, None))
                }
            },
            rope: Rope::new(config),
            output_name,
        })
    }

    /// Ids to the final norm's output; `attend` says where the tokens stand and holds the keys.
    ///
    /// # Shapes
    /// - ids: `[T]`, one packed row
    /// - output: `[T, hidden]`
    pub fn forward(&self, ids: Tensor<1, Int>, attend: &mut dyn Attend) -> Tensor<2> {
        let mut h = self.embed(ids);
        let table = self.rope.table(attend.positions(), &h.device());
        for (layer, block) in self.layers.iter().enumerate() {
            h = block.forward(h, layer, &table, attend);
        }
        self.norm.forward(h)
    }

    /// The input vectors of ids.
    ///
    /// # Shapes
    /// - ids: `[T]`
    /// - output: `[T, hidden]`
    #[must_use]
    pub fn embed(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        kernels::embedding(self.tok_embeddings.weight.val(), ids)
    }

    /// Scores of every vocabulary entry (of a reward model: the value, vocab = 1).
    ///
    /// # Shapes
    /// - hidden: `[T, hidden]`, the output of [`Decoder::forward`]
    /// - output: `[T, vocab]`
    #[must_use]
    pub fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        match &self.output {
            Some(output) => output.forward(hidden),
            None => kernels::linear(hidden, self.tok_embeddings.weight.val()),
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
    pub fn cross_entropy(&self, hidden: Tensor<2>, labels: &[Option<TokenId>]) -> CrossEntropy {
        match &self.output {
            None => kernels::cross_entropy(hidden, self.tok_embeddings.weight.val(), labels),
            Some(Linear::Dense(dense)) => kernels::cross_entropy(hidden, dense.weight.val(), labels),
            Some(other) => CrossEntropy::from_token_losses(
                kernels::plain::cross_entropy(other.forward(hidden), labels),
                labels,
            ),
        }
    }

    /// Every parameter with its checkpoint name, in a fixed order: embedding, blocks, norm, output. Adapters appear
    /// as `NAME.lora_A.weight` and `NAME.lora_B.weight` after their base; quantized layers show their bias only.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Parameter)> {
        let mut shared = self.clone();
        shared.parameters_mut().iter().map(|(name, parameter)| (name.clone(), parameter.get())).collect()
    }

    /// The same list for changing values or choosing what is trained.
    pub fn parameters_mut(&mut self) -> Vec<(String, ParameterMut<'_>)> {
        let mut list = Vec::new();
        let name = "model.tok_embeddings.weight".to_owned();
        list.push((name, ParameterMut::Matrix(&mut self.tok_embeddings.weight)));
        for (layer, block) in self.layers.iter_mut().enumerate() {
            let prefix = format!("model.layers.{layer}");
            push_vector(
                &mut list,
                format!("{prefix}.attention_norm.weight"),
                &mut block.attention_norm.weight,
            );
            push_linear(&mut list, &format!("{prefix}.attention.wqkv"), &mut block.attention.wqkv);
            push_linear(&mut list, &format!("{prefix}.attention.wo"), &mut block.attention.wo);
            push_vector(&mut list, format!("{prefix}.ffn_norm.weight"), &mut block.ffn_norm.weight);
            push_linear(&mut list, &format!("{prefix}.feed_forward.w1"), &mut block.feed_forward.w1);
            push_linear(&mut list, &format!("{prefix}.feed_forward.w3"), &mut block.feed_forward.w3);
            push_linear(&mut list, &format!("{prefix}.feed_forward.w2"), &mut block.feed_forward.w2);
        }
        push_vector(&mut list, "model.norm.weight".to_owned(), &mut self.norm.weight);
        if let Some(output) = &mut self.output {
            push_linear(&mut list, self.output_name, output);
        }
        list
    }

    /// Every linear layer with its checkpoint name without `.weight`, the output last: what adapters and quantizers
    /// swap. The tied output is the embedding and does not appear.
    pub fn linears_mut(&mut self) -> Vec<(String, &mut Linear)> {
        let mut list = Vec::new();
        for (layer, block) in self.layers.iter_mut().enumerate() {
            let prefix = format!("model.layers.{layer}");
            list.push((format!("{prefix}.attention.wqkv"), &mut block.attention.wqkv));
            list.push((format!("{prefix}.attention.wo"), &mut block.attention.wo));
            list.push((format!("{prefix}.feed_forward.w1"), &mut block.feed_forward.w1));
            list.push((format!("{prefix}.feed_forward.w3"), &mut block.feed_forward.w3));
            list.push((format!("{prefix}.feed_forward.w2"), &mut block.feed_forward.w2));
        }
        if let Some(output) = &mut self.output {
            list.push((self.output_name.to_owned(), output));
        }
        list
    }

    /// All adapters merged and all quantized layers dequantized.
    #[must_use]
    pub fn merged(mut self) -> Self {
        for (_, linear) in self.linears_mut() {
            let taken =
                std::mem::replace(linear, Linear::dense(Tensor::zeros([1, 1], &Device::default()), None));
            *linear = taken.merge();
        }
        self
    }

    /// Writes a Hugging Face InternLM2 folder: `config.json` and `model.safetensors` in `config.dtype`. Adapters are
    /// merged. Tokenizer files are the caller's.
    ///
    /// # Errors
    /// A model InternLM2 files cannot hold (feed-forward biases), or an I/O error.
    pub fn save(&self, config: &ModelConfig, dir: &Path) -> Result<()> {
        crate::save::write(self, config, dir)
    }

    /// Ids as the tensor [`Decoder::forward`] takes.
    ///
    /// # Errors
    /// An id that is not below `vocab`.
    pub fn ids(&self, ids: &[TokenId], device: &Device) -> Result<Tensor<1, Int>> {
        let vocab = self.tok_embeddings.weight.dims()[0];
        if let Some((at, id)) = ids.iter().enumerate().find(|(_, id)| id.index() >= vocab) {
            return Err(Error::Invalid(format!(
                "token id at index {at}: found {id}, expected < vocab {vocab}"
            )));
        }
        let values: Vec<i32> = ids.iter().map(|id| id.0 as i32).collect();
        Ok(Tensor::from_data(TensorData::new(values, [ids.len()]), device))
    }
}

fn push_vector<'a>(
    list: &mut Vec<(String, ParameterMut<'a>)>,
    name: String,
    param: &'a mut Param<Tensor<1>>,
) {
    list.push((name, ParameterMut::Vector(param)));
}

fn push_linear<'a>(list: &mut Vec<(String, ParameterMut<'a>)>, name: &str, linear: &'a mut Linear) {
    let bias = match linear {
        Linear::Dense(dense) => {
            list.push((format!("{name}.weight"), ParameterMut::Matrix(&mut dense.weight)));
            &mut dense.bias
        }
        Linear::Lora(lora) => {
            list.push((format!("{name}.weight"), ParameterMut::Matrix(&mut lora.base.weight)));
            list.push((format!("{name}.lora_A.weight"), ParameterMut::Matrix(&mut lora.a)));
            list.push((format!("{name}.lora_B.weight"), ParameterMut::Matrix(&mut lora.b)));
            &mut lora.base.bias
        }
        Linear::Quantized(quantized) => &mut quantized.bias,
    };
    if let Some(bias) = bias {
        list.push((format!("{name}.bias"), ParameterMut::Vector(bias)));
    }
}
