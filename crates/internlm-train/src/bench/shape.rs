//! [`BenchShape`]: models and batches whose speed is compared.

use internlm_kit::rng::CounterRng;
use internlm_model::{ModelConfig, ModelSize, TokenId};

use crate::Row;

/// One shape of the comparison with PyTorch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BenchShape {
    /// Name on the command line, after the number of parameters.
    pub name: &'static str,
    size: ModelSize,
    kv_heads: usize,
    /// Sequences of a step.
    pub batch: usize,
    /// Tokens of a sequence.
    pub seq_len: usize,
}

/// The three shapes for which PyTorch's rate on the CPU is known, and InternLM2's sizes, which need a GPU.
pub const SHAPES: [BenchShape; 5] = [
    BenchShape {
        name: "4m",
        size: ModelSize { hidden: 256, layers: 4, heads: 4, inter: 1024, vocab: 2048 },
        kv_heads: 2,
        batch: 8,
        seq_len: 256,
    },
    BenchShape {
        name: "19m",
        size: ModelSize { hidden: 384, layers: 8, heads: 6, inter: 1024, vocab: 8192 },
        kv_heads: 2,
        batch: 4,
        seq_len: 512,
    },
    BenchShape {
        name: "135m",
        size: ModelSize { hidden: 576, layers: 30, heads: 9, inter: 1536, vocab: 49152 },
        kv_heads: 3,
        batch: 1,
        seq_len: 512,
    },
    BenchShape {
        name: "1.8b",
        size: ModelSize { hidden: 2048, layers: 24, heads: 16, inter: 8192, vocab: 92544 },
        kv_heads: 8,
        batch: 8,
        seq_len: 2048,
    },
    BenchShape {
        name: "7b",
        size: ModelSize { hidden: 4096, layers: 32, heads: 32, inter: 14336, vocab: 92544 },
        kv_heads: 8,
        batch: 8,
        seq_len: 2048,
    },
];

impl BenchShape {
    /// The shape called `name`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SHAPES.into_iter().find(|shape| shape.name == name)
    }

    /// The model without its weights.
    #[must_use]
    pub fn model(&self) -> ModelConfig {
        ModelConfig::new(self.size).with_kv_heads(self.kv_heads)
    }

    /// The rows of a step: random ids.
    pub(super) fn rows(&self) -> Vec<Row> {
        let rng = CounterRng::new(0, "bench");
        let id = |counter| TokenId(rng.below(counter, self.size.vocab as u64) as u32);
        let row = |sequence: usize| {
            let first = (sequence * (self.seq_len + 1)) as u64;
            let ids: Vec<TokenId> = (first..=first + self.seq_len as u64).map(id).collect();
            Row {
                ids: ids[..self.seq_len].to_vec(),
                labels: ids[1..].iter().copied().map(Some).collect(),
                cu_seqlens: vec![0, self.seq_len],
                weights: None,
            }
        };
        (0..self.batch).map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers_of_parameters() {
        let parameters = |name: &str| BenchShape::named(name).expect("is there").model().parameters();
        assert_eq!(parameters("1.8b"), 1_889_110_016);
        assert_eq!(parameters("7b"), 7_737_708_544);
        assert!(BenchShape::named("9m").is_none());
    }
}
