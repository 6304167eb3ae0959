//! [`Layout`]: names and shapes of a model's tensors as an adapter file calls them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use internlm_model::ModelConfig;
use internlm_model::weights::names::{self, NameStyle, Parts};
use internlm_model::weights::qkv::{Heads, RowOrder};

/// Where PEFT's files put the bias of a layer that has an adapter.
const WRAPPED_BIAS: &str = ".base_layer.bias";

/// The tensors of a model under the names of one family of files.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) style: NameStyle,
    /// `[out, in]` of every linear layer by its name.
    pub(super) linears: BTreeMap<String, [usize; 2]>,
    /// Shape of every tensor by its name, with `.weight` or `.bias`.
    pub(super) tensors: BTreeMap<String, Vec<usize>>,
}

impl Layout {
    /// The tensors of a model of shape `config` under the names of `style`.
    pub(super) fn of(config: &ModelConfig, style: NameStyle) -> Self {
        let (mut linears, mut tensors) = (BTreeMap::new(), BTreeMap::new());
        for (name, shape) in names::expected(config) {
            let is_embedding = name == "model.tok_embeddings.weight";
            for (name, shape) in parts(config, &name, &shape, style) {
                if let (Some(module), [outputs, inputs]) = (name.strip_suffix(".weight"), &shape[..])
                    && !is_embedding
                {
                    linears.insert(module.to_owned(), [*outputs, *inputs]);
                }
                tensors.insert(name, shape);
            }
        }
        Self { style, linears, tensors }
    }

    /// The layout that knows more of the tensors called `names`: `InternLM2`'s fused projections, or LLaMA's separate
    /// ones.
    pub(super) fn find<'n>(config: &ModelConfig, names: impl Iterator<Item = &'n str> + Clone) -> Self {
        let [fused, separate] = [NameStyle::InternLm2, NameStyle::Llama].map(|style| Self::of(config, style));
        let known = |layout: &Self| names.clone().filter(|name| layout.knows(name)).count();
        if known(&separate) > known(&fused) { separate } else { fused }
    }

    fn knows(&self, name: &str) -> bool {
        let module = name.split_once(".lora_").map(|(module, _)| module);
        module.is_some_and(|module| self.linears.contains_key(module))
            || self.tensors.contains_key(&*own(name))
    }
}

/// How the heads of a model are packed in `wqkv`.
pub(super) fn heads(config: &ModelConfig) -> Heads {
    Heads::of(config, RowOrder::HalfSplit)
}

/// Names and shapes of the tensors of `style` that make up the `InternLM2` tensor `name`: one, or q, k and v.
fn parts(config: &ModelConfig, name: &str, shape: &[usize], style: NameStyle) -> Vec<(String, Vec<usize>)> {
    match names::parts(name, style) {
        None => Vec::new(),
        Some(Parts::One(name)) => vec![(name, shape.to_vec())],
        Some(Parts::Qkv(names)) => {
            let part = |(name, rows): (String, usize)| {
                let mut shape = shape.to_vec();
                shape[0] = rows;
                (name, shape)
            };
            names.into_iter().zip(heads(config).rows()).map(part).collect()
        }
    }
}

/// The model's own name of a tensor: PEFT's infix of wrapped layers is left out.
pub(super) fn own(name: &str) -> Cow<'_, str> {
    match name.strip_suffix(WRAPPED_BIAS) {
        Some(module) => format!("{module}.bias").into(),
        None => name.into(),
    }
}

/// The name in a PEFT file of the bias of `module`, which has an adapter.
pub(super) fn wrapped_bias(module: &str) -> String {
    format!("{module}{WRAPPED_BIAS}")
}
