//! Tiny models of random weights, written as GGUF files: every block type, no files from outside.

use std::path::Path;

use internlm_kit::testing::TestRng;
use internlm_model::weights::Encoding;

/// The shape of a tiny model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tiny {
    pub(crate) hidden: usize,
    pub(crate) layers: usize,
    pub(crate) heads: usize,
    pub(crate) kv_heads: usize,
    pub(crate) inter: usize,
    pub(crate) vocab: usize,
    pub(crate) context: usize,
    /// Of all matrices.
    pub(crate) encoding: Encoding,
    pub(crate) seed: u64,
}

impl Default for Tiny {
    fn default() -> Self {
        Self {
            hidden: 256,
            layers: 2,
            heads: 4,
            kv_heads: 2,
            inter: 512,
            vocab: 300,
            context: 512,
            encoding: Encoding::Q4_1,
            seed: 1,
        }
    }
}

impl Tiny {
    /// Writes the model; the output matrix is the embedding.
    pub(crate) fn write(&self, path: &Path) {
        std::fs::write(path, self.bytes()).expect("the file can be written");
    }

    /// The file's bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let tensors = self.tensors();
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend((tensors.len() as u64).to_le_bytes());
        let numbers = [
            ("block_count", self.layers),
            ("context_length", self.context),
            ("embedding_length", self.hidden),
            ("feed_forward_length", self.inter),
            ("attention.head_count", self.heads),
            ("attention.head_count_kv", self.kv_heads),
            ("vocab_size", self.vocab),
        ];
        out.extend((numbers.len() as u64 + 2).to_le_bytes());
        string(&mut out, "general.architecture");
        out.extend(8_u32.to_le_bytes());
        string(&mut out, "llama");
        string(&mut out, "llama.attention.layer_norm_rms_epsilon");
        out.extend(6_u32.to_le_bytes());
        out.extend(1e-5_f32.to_le_bytes());
        for (key, value) in numbers {
            string(&mut out, &format!("llama.{key}"));
            out.extend(4_u32.to_le_bytes());
            out.extend((value as u32).to_le_bytes());
        }
        let mut offset = 0;
        for (name, shape, kind, bytes) in &tensors {
            string(&mut out, name);
            out.extend((shape.len() as u32).to_le_bytes());
            shape.iter().rev().for_each(|size| out.extend((*size as u64).to_le_bytes()));
            out.extend(kind.to_le_bytes());
            out.extend((offset as u64).to_le_bytes());
            offset += bytes.len().next_multiple_of(32);
        }
        for (_, _, _, bytes) in &tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(bytes);
        }
        out
    }

    fn tensors(&self) -> Vec<(String, Vec<usize>, u32, Vec<u8>)> {
        let head_dim = self.hidden / self.heads;
        let (hidden, kv) = (self.hidden, self.kv_heads * head_dim);
        let mut random = TestRng::new(self.seed);
        let mut tensors = Vec::new();
        let mut matrix = |random: &mut TestRng, name: String, rows: usize, inputs: usize| {
            let bytes = self.matrix(random, rows, inputs);
            tensors.push((name, vec![rows, inputs], kind(self.encoding), bytes));
        };
        matrix(&mut random, "token_embd.weight".to_owned(), self.vocab, hidden);
        for layer in 0..self.layers {
            for (name, rows, inputs) in [
                ("attn_q", hidden, hidden),
                ("attn_k", kv, hidden),
                ("attn_v", kv, hidden),
                ("attn_output", hidden, hidden),
                ("ffn_gate", self.inter, hidden),
                ("ffn_up", self.inter, hidden),
                ("ffn_down", hidden, self.inter),
            ] {
                matrix(&mut random, format!("blk.{layer}.{name}.weight"), rows, inputs);
            }
        }
        let norms = (0..self.layers)
            .flat_map(|layer| ["attn_norm", "ffn_norm"].map(|name| format!("blk.{layer}.{name}.weight")));
        for name in norms.chain(["output_norm.weight".to_owned()]) {
            let bytes = (0..hidden).flat_map(|_| (1.0 + random.float(0.1)).to_le_bytes()).collect();
            tensors.push((name, vec![hidden], 0, bytes));
        }
        tensors
    }

    /// Random blocks whose weights are about `1 / sqrt(inputs)` large.
    fn matrix(&self, random: &mut TestRng, rows: usize, inputs: usize) -> Vec<u8> {
        let size = 1.0 / (inputs as f32).sqrt();
        let length = self.encoding.byte_length(&[rows, inputs]).expect("whole blocks");
        let (values, bytes) = self.encoding.block();
        let mut out = Vec::with_capacity(length);
        for _ in 0..rows * inputs / values {
            let float = random.float(size);
            match self.encoding {
                Encoding::F32 => out.extend(float.to_le_bytes()),
                Encoding::F16 => out.extend(half::f16::from_f32(float).to_le_bytes()),
                Encoding::Bf16 => out.extend(half::bf16::from_f32(float).to_le_bytes()),
                _ => {
                    let start = out.len();
                    out.extend((0..bytes).map(|_| random.bits() as u8));
                    for (place, scale) in scales(self.encoding, size) {
                        out[start + place..start + place + 2]
                            .copy_from_slice(&half::f16::from_f32(scale).to_le_bytes());
                    }
                }
            }
        }
        out
    }
}

/// The f16 scales of a block, which random bytes must not be.
fn scales(encoding: Encoding, size: f32) -> Vec<(usize, f32)> {
    match encoding {
        Encoding::Q4_0 => vec![(0, size / 8.0)],
        Encoding::Q4_1 => vec![(0, size / 8.0), (2, -size)],
        Encoding::Q5_0 => vec![(0, size / 16.0)],
        Encoding::Q5_1 => vec![(0, size / 16.0), (2, -size)],
        Encoding::Q8_0 => vec![(0, size / 128.0)],
        Encoding::Q4K => vec![(0, size / 256.0), (2, size / 32.0)],
        Encoding::Q5K => vec![(0, size / 512.0), (2, size / 32.0)],
        _ => vec![(208, size / 4096.0)],
    }
}

/// The number of a type in GGUF.
fn kind(encoding: Encoding) -> u32 {
    match encoding {
        Encoding::F32 => 0,
        Encoding::F16 => 1,
        Encoding::Q4_0 => 2,
        Encoding::Q4_1 => 3,
        Encoding::Q5_0 => 6,
        Encoding::Q5_1 => 7,
        Encoding::Q8_0 => 8,
        Encoding::Q4K => 12,
        Encoding::Q5K => 13,
        Encoding::Q6K => 14,
        _ => 30,
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}
