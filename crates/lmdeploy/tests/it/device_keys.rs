//! Keys and values that a GPU stores as codes, against those of the CPU core: the same inputs give the same attention. A
//! single other code would change it by ten times more than rounding does.

use burn::tensor::{Tensor, TensorData};
use internlm_kit::rng::CounterRng;
use internlm_model::attend::{HeadShape, PackedQkv};
use internlm_model::kernels::{KeyFormat, KeyLayout, PagedBatch, PagedKeys};
use internlm_model::positions::Run;
use turbomind::internals::{AttentionStep, KvPlace, PagedAttention, Pool};
use turbomind::{Isa, KvConfig, KvFormat};

use crate::burn_executor::alone;

const TOKENS: usize = 70;
const BLOCK_TOKENS: usize = 16;
/// The blocks of the one sequence, of eight that there are.
const BLOCKS: [u32; 5] = [3, 1, 6, 0, 4];
const SHAPE: HeadShape = HeadShape { heads: 4, kv_heads: 2 };

/// Rotated projections: per kv head two queries, the key and the value, of `d` numbers each.
fn projection(d: usize) -> Vec<f32> {
    let rng = CounterRng::new(5, "projection");
    (0..TOKENS * 8 * d).map(|i| rng.normal(i as u64) as f32).collect()
}

fn on_the_gpu(format: KeyFormat, d: usize) -> Vec<f32> {
    let device = internlm_model::device::parse("vulkan:0").expect("a Vulkan device");
    let layout = KeyLayout { shape: SHAPE, head_dim: d, block_tokens: BLOCK_TOKENS, format };
    let mut keys = PagedKeys::new(layout, 8, &device);
    let batch = PagedBatch::new(vec![Run { first: 0, tokens: TOKENS }], vec![BLOCKS.to_vec()]);
    let packed = Tensor::from_data(TensorData::new(projection(d), [TOKENS, 8 * d]), &device);
    let out = keys.attend(PackedQkv { packed, shape: SHAPE }, &batch, None);
    out.into_data().try_into_vec_as::<f32>().expect("floats")
}

fn on_the_cpu(format: KvFormat, d: usize) -> Vec<f32> {
    let config = KvConfig::new(format, 1, SHAPE.kv_heads, d).with_block_tokens(BLOCK_TOKENS).with_blocks(8);
    let mut attention = PagedAttention::new(Isa::detect(), &config, SHAPE.heads).expect("a small pool");
    let mut queries = Vec::new();
    for (slot, numbers) in projection(d).chunks_exact(4 * d).enumerate() {
        let (position, kv_head) = (slot / SHAPE.kv_heads, slot % SHAPE.kv_heads);
        let block = BLOCKS[position / BLOCK_TOKENS];
        let place = KvPlace { layer: 0, block, slot: position % BLOCK_TOKENS, kv_head };
        attention.store(place, &numbers[2 * d..3 * d], &numbers[3 * d..]);
        queries.extend_from_slice(&numbers[..2 * d]);
    }
    let step = AttentionStep { first_row: 0, rows: TOKENS, position: 0, blocks: &BLOCKS };
    let mut threads = Pool::new(1).expect("a thread");
    attention.run(&mut threads, 0, &[step], &queries).expect("a pass").to_vec()
}

/// Relative L2 distance.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let norm = |numbers: &mut dyn Iterator<Item = f64>| numbers.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| f64::from(a - b)));
    difference / norm(&mut expected.iter().map(|x| f64::from(*x)))
}

#[test]
fn codes_of_keys_and_values_are_those_of_the_cpu_core() {
    let _alone = alone();
    for d in [64, 128] {
        let floats = on_the_gpu(KeyFormat::F32, d);
        assert!(distance(&floats, &on_the_cpu(KvFormat::F32, d)) < 1e-5);
        for (ours, theirs) in [(KeyFormat::Int8, KvFormat::Int8), (KeyFormat::Int4, KvFormat::Int4)] {
            let (found, expected) = (on_the_gpu(ours, d), on_the_cpu(theirs, d));
            let off = distance(&found, &expected);
            assert!(off < 1e-5, "{ours:?}, {d} numbers: {off}");
            assert!(distance(&found, &floats) > 1e-3, "{ours:?}, {d} numbers: codes are coarser than floats");
        }
    }
}
