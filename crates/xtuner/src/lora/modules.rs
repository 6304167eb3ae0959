//! [`Modules`]: an adapter as matrices by layer, and its two forms: on one fused `wqkv`, or on q, k and v.
//!
//! A fused adapter `s B A` becomes three exact ones: each has A, and the rows of B (and of DoRA's magnitude) that are
//! its own. Three separate adapters of ranks r become a fused one of rank 3 r: A is their stack, B has a block for each.
//! Three that share A, as those of the first kind do, become a fused one of rank r again.

use std::collections::BTreeMap;

use internlm_model::ModelConfig;
use internlm_model::weights::names::{self, NameStyle, Parts};
use internlm_model::weights::qkv::{self, Heads};

use super::layout::heads;

/// The adapter of one linear layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Factors {
    /// Rank r of the product.
    pub(super) rank: usize,
    /// Factor s of the product.
    pub(super) scale: f64,
    /// A, `[r, in]`.
    pub(super) a: Vec<f32>,
    /// B, `[out, r]`.
    pub(super) b: Vec<f32>,
    /// m of DoRA, `[out]`.
    pub(super) magnitude: Option<Vec<f32>>,
}

/// All matrices of an adapter by the names of the model's layers and tensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Modules {
    /// Adapters by the name of their layer.
    pub(super) factors: BTreeMap<String, Factors>,
    /// Tensors that were trained whole, by name.
    pub(super) whole: BTreeMap<String, Vec<f32>>,
}

/// Values of a tensor of the base model by its `InternLM2` name; `None` when it has no such tensor.
pub(super) type Base<'a> = &'a dyn Fn(&str) -> Option<Vec<f32>>;

impl Modules {
    /// The same adapter of a model with LLaMA's names under `InternLM2`'s: q, k and v are joined. What the adapter says
    /// of only some of the three is completed from `base`.
    ///
    /// # Errors
    /// Tensors that `base` lacks.
    pub(super) fn fused(mut self, config: &ModelConfig, base: Base<'_>) -> Result<Self, Vec<String>> {
        let heads = heads(config);
        let (mut fused, mut problems) = (Self::default(), Vec::new());
        for (name, _) in names::expected(config) {
            let module = name.strip_suffix(".weight");
            match names::parts(&name, NameStyle::Llama) {
                None => {}
                Some(Parts::One(separate)) => {
                    let factors = separate.strip_suffix(".weight").and_then(|own| self.factors.remove(own));
                    fused.factors.extend(module.map(str::to_owned).zip(factors));
                    fused.whole.extend(self.whole.remove(&separate).map(|values| (name.clone(), values)));
                }
                Some(Parts::Qkv(separate)) => {
                    let whole = separate.each_ref().map(|own| self.whole.remove(own));
                    let factors = separate
                        .each_ref()
                        .map(|own| own.strip_suffix(".weight").and_then(|own| self.factors.remove(own)));
                    match join_whole(whole, heads, || base(&name)) {
                        Ok(values) => fused.whole.extend(values.map(|values| (name.clone(), values))),
                        Err(()) => problems.push(lacking(&name)),
                    }
                    match join_factors(factors, heads, || base(&name)) {
                        Ok(factors) => fused.factors.extend(module.map(str::to_owned).zip(factors)),
                        Err(()) => problems.push(lacking(&name)),
                    }
                }
            }
        }
        if problems.is_empty() { Ok(fused) } else { Err(problems) }
    }

    /// The same adapter of a model with `InternLM2`'s names under LLaMA's: what is fused is split by rows.
    pub(super) fn separate(mut self, config: &ModelConfig) -> Self {
        let heads = heads(config);
        let mut separate = Self::default();
        for (name, _) in names::expected(config) {
            let factors = name.strip_suffix(".weight").and_then(|module| self.factors.remove(module));
            let whole = self.whole.remove(&name);
            let module = |name: &str| name.strip_suffix(".weight").unwrap_or(name).to_owned();
            match names::parts(&name, NameStyle::Llama) {
                None => {}
                Some(Parts::One(own)) => {
                    separate.factors.extend(factors.map(|factors| (module(&own), factors)));
                    separate.whole.extend(whole.map(|values| (own, values)));
                }
                Some(Parts::Qkv(own)) => {
                    for (part, own) in own.into_iter().enumerate() {
                        let factors = factors.as_ref().map(|factors| factors.part(heads, part));
                        separate.factors.extend(factors.map(|factors| (module(&own), factors)));
                        let values = whole.as_ref().map(|values| qkv::part(values, heads, part));
                        separate.whole.extend(values.map(|values| (own, values)));
                    }
                }
            }
        }
        separate
    }
}

impl Factors {
    /// The adapter of q (0), k (1) or v (2) out of that of `wqkv`.
    fn part(&self, heads: Heads, part: usize) -> Self {
        Self {
            b: qkv::part(&self.b, heads, part),
            magnitude: self.magnitude.as_ref().map(|magnitude| qkv::part(magnitude, heads, part)),
            ..self.clone()
        }
    }
}

fn lacking(name: &str) -> String {
    format!("tensor {name}: found none in the base model, expected one that completes q, k and v")
}

/// The tensor of which the three are parts; absent ones are those of the base.
fn join_whole(
    parts: [Option<Vec<f32>>; 3],
    heads: Heads,
    base: impl FnOnce() -> Option<Vec<f32>>,
) -> Result<Option<Vec<f32>>, ()> {
    if parts.iter().all(Option::is_none) {
        return Ok(None);
    }
    let parts = complete(parts, heads, base)?;
    Ok(Some(qkv::join(&parts.each_ref().map(Vec::as_slice), heads)))
}

/// The three parts; absent ones are those of the base.
fn complete(
    parts: [Option<Vec<f32>>; 3],
    heads: Heads,
    base: impl FnOnce() -> Option<Vec<f32>>,
) -> Result<[Vec<f32>; 3], ()> {
    let own = if parts.iter().any(Option::is_none) { Some(base().ok_or(())?) } else { None };
    let mut index = 0;
    Ok(parts.map(|part| {
        let part = part.or_else(|| own.as_ref().map(|own| qkv::part(own, heads, index)));
        index += 1;
        part.unwrap_or_default()
    }))
}

/// The adapter of `wqkv` that does what those of q, k and v do; `base` gives the weights of `wqkv`.
fn join_factors(
    parts: [Option<Factors>; 3],
    heads: Heads,
    base: impl FnOnce() -> Option<Vec<f32>>,
) -> Result<Option<Factors>, ()> {
    let present: Vec<&Factors> = parts.iter().flatten().collect();
    let Some(first) = present.first().copied() else { return Ok(None) };
    let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let shared = present.len() == parts.len()
        && present.iter().all(|part| {
            part.rank == first.rank && part.scale == first.scale && bits(&part.a) == bits(&first.a)
        });
    let scale = present.iter().map(|part| part.scale).find(|scale| *scale != 0.0).unwrap_or(1.0);
    let (rank, a, wide) = if shared {
        (first.rank, first.a.clone(), parts.each_ref().map(|part| columns(part.as_ref())))
    } else {
        let rank = present.iter().map(|part| part.rank).sum();
        let a = present.iter().flat_map(|part| part.a.iter().copied()).collect();
        (rank, a, blocks(&parts, heads, (rank, scale)))
    };
    let b = qkv::join(&wide.each_ref().map(Vec::as_slice), heads);
    let magnitude = if present.iter().any(|part| part.magnitude.is_some()) {
        let own = parts.map(|part| part.and_then(|part| part.magnitude));
        let rows: usize = heads.rows().iter().sum();
        let own = complete(own, heads, || Some(row_norms(&base()?, rows)))?;
        Some(qkv::join(&own.each_ref().map(Vec::as_slice), heads))
    } else {
        None
    };
    Ok(Some(Factors { rank, scale, a, b, magnitude }))
}

fn columns(part: Option<&Factors>) -> Vec<f32> {
    part.map(|part| part.b.clone()).unwrap_or_default()
}

/// B of each part, `[rows, rank]`, in the columns that are its own; a part of another scale is multiplied.
fn blocks(parts: &[Option<Factors>; 3], heads: Heads, (rank, scale): (usize, f64)) -> [Vec<f32>; 3] {
    let rows = heads.rows();
    let (mut index, mut offset) = (0, 0);
    parts.each_ref().map(|part| {
        let mut wide = vec![0.0; rows[index] * rank];
        index += 1;
        if let Some(part) = part {
            let ratio = (part.scale / scale) as f32;
            for (wide, own) in wide.chunks_exact_mut(rank).zip(part.b.chunks_exact(part.rank)) {
                let wide = &mut wide[offset..offset + part.rank];
                wide.iter_mut().zip(own).for_each(|(wide, own)| *wide = ratio * own);
            }
            offset += part.rank;
        }
        wide
    })
}

/// The Euclidean norm of each of the `rows` rows.
fn row_norms(weights: &[f32], rows: usize) -> Vec<f32> {
    let width = (weights.len() / rows.max(1)).max(1);
    let norm = |row: &[f32]| row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() as f32;
    weights.chunks_exact(width).map(norm).collect()
}

#[cfg(test)]
mod tests;
