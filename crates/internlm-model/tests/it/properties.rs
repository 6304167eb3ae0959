//! Properties of the parts that hold for all inputs: layouts, positions, padding, stops, sampling, caches, files.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor};
use internlm_kit::testing::TestRng;
use internlm_model::attend::{Attend, Causal, GrowingCache, HeadShape, PackedQkv};
use internlm_model::config::{DType, RopeScaling};
use internlm_model::generate::{Finish, StopText};
use internlm_model::linear::{Linear, LoraConfig, Noise};
use internlm_model::padding::Unpadded;
use internlm_model::parameter::numbers;
use internlm_model::positions::Positions;
use internlm_model::rope::Rope;
use internlm_model::sampling::{SamplingConfig, argmax, sample};
use internlm_model::weights::qkv::{self, Heads, RowOrder};
use internlm_model::weights::{self, Encoding, TensorSource, WeightFolder, WriteConfig};
use internlm_model::{Decoder, GenerateConfig, Generator, ModelConfig, ModelSize, TokenId};
use proptest::prelude::*;

fn device() -> Device {
    Device::flex()
}

fn decoder() -> &'static Decoder {
    static DECODER: std::sync::LazyLock<Decoder> = std::sync::LazyLock::new(|| {
        let size = ModelSize { hidden: 32, layers: 2, heads: 4, inter: 40, vocab: 50 };
        Decoder::init(&ModelConfig::new(size).with_kv_heads(2), 3, &device())
    });
    &DECODER
}

fn logits(ids: &[TokenId], attend: &mut dyn Attend) -> Vec<f32> {
    let ids = decoder().ids(ids, &device()).expect("ids below the vocabulary");
    numbers(decoder().logits(decoder().forward(ids, attend)))
}

fn far(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn heads_config(kv_heads: usize, group: usize, half: usize) -> ModelConfig {
    let heads = kv_heads * group;
    let size = ModelSize { hidden: heads * half * 2, layers: 1, heads, inter: 4, vocab: 4 };
    ModelConfig::new(size).with_kv_heads(kv_heads)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn packed_heads_are_split_where_the_layout_says(
        tokens in 1_usize..5, kv_heads in 1_usize..4, group in 1_usize..4, half in 1_usize..4,
    ) {
        let (heads, d) = (kv_heads * group, 2 * half);
        let width = (heads + 2 * kv_heads) * d;
        let packed: Vec<f32> = (0..tokens * width).map(|index| index as f32).collect();
        let tensor = Tensor::<1>::from_floats(&packed[..], &device()).reshape([tokens, width]);
        let shape = HeadShape { heads, kv_heads };
        let (q, k, v) = PackedQkv { packed: tensor, shape }.split();
        prop_assert_eq!((q.dims(), k.dims(), v.dims()), ([tokens, heads, d], [tokens, kv_heads, d], [tokens, kv_heads, d]));
        let (q, k, v) = (numbers(q), numbers(k), numbers(v));
        for token in 0..tokens {
            for head in 0..heads {
                // A kv head's columns: its query heads, its key, its value.
                let column = (head / group * (group + 2) + head % group) * d;
                prop_assert_eq!(q[(token * heads + head) * d], packed[token * width + column]);
            }
            for head in 0..kv_heads {
                let column = (head * (group + 2) + group) * d;
                prop_assert_eq!(k[(token * kv_heads + head) * d], packed[token * width + column]);
                prop_assert_eq!(v[(token * kv_heads + head) * d], packed[token * width + column + d]);
            }
        }
    }

    #[test]
    fn rows_of_q_k_and_v_are_joined_and_split_without_loss(
        kv_heads in 1_usize..4, group in 1_usize..4, half in 1_usize..4, interleaved in any::<bool>(),
    ) {
        let config = heads_config(kv_heads, group, half);
        let order = if interleaved { RowOrder::Interleaved } else { RowOrder::HalfSplit };
        let heads = Heads::of(&config, order);
        let rows = config.qkv_rows();
        let whole: Vec<u32> = (0..rows * 3).map(|index| index as u32).collect();
        let parts = qkv::split(&whole, heads);
        prop_assert_eq!(parts.each_ref().map(Vec::len), heads.rows().map(|rows| rows * 3));
        prop_assert_eq!(qkv::join(&parts.each_ref().map(Vec::as_slice), heads), whole.clone());
        let turned = qkv::to_interleaved(&whole, Heads::of(&config, RowOrder::Interleaved));
        prop_assert_eq!(qkv::to_half_split(&turned, Heads::of(&config, RowOrder::Interleaved)), whole);
    }

    #[test]
    fn a_cache_does_not_notice_how_the_sequence_was_cut(
        length in 2_usize..24, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..5), seed in 0_u64..99,
    ) {
        let mut rng = TestRng::new(seed);
        let ids: Vec<TokenId> = (0..length).map(|_| TokenId(rng.below(50) as u32)).collect();
        let whole = logits(&ids, &mut Causal::sequence(length));
        let mut borders: Vec<usize> = cuts.iter().map(|cut| cut.index(length)).chain([0, length]).collect();
        borders.sort_unstable();
        borders.dedup();
        let mut cache = GrowingCache::new();
        let mut pieces = Vec::new();
        for pair in borders.windows(2) {
            cache.extend(pair[1] - pair[0]);
            pieces.extend(logits(&ids[pair[0]..pair[1]], &mut cache));
        }
        prop_assert_eq!(cache.len(), length);
        prop_assert!(far(&pieces, &whole) < 2e-6);
    }

    #[test]
    fn samples_of_a_row_do_not_see_each_other(
        lengths in prop::collection::vec(1_usize..9, 1..4), seed in 0_u64..99,
    ) {
        let mut rng = TestRng::new(seed);
        let samples: Vec<Vec<TokenId>> = lengths
            .iter()
            .map(|&length| (0..length).map(|_| TokenId(rng.below(50) as u32)).collect())
            .collect();
        let mut cumulative = vec![0];
        for length in &lengths {
            cumulative.push(cumulative[cumulative.len() - 1] + length);
        }
        let packed = logits(&samples.concat(), &mut Causal::packed(&cumulative));
        for (sample, pair) in samples.iter().zip(cumulative.windows(2)) {
            let alone = logits(sample, &mut Causal::sequence(sample.len()));
            prop_assert!(far(&packed[pair[0] * 50..pair[1] * 50], &alone) < 2e-6);
        }
    }

    #[test]
    fn padding_comes_back_to_where_it_was(
        rows in prop::collection::vec((0_usize..4, 0_usize..5, 0_usize..4), 1..5), width in 1_usize..3,
    ) {
        let longest = rows.iter().map(|(left, real, right)| left + real + right).max().unwrap_or(0);
        let (mut ids, mut mask, mut real) = (Vec::new(), Vec::new(), 0);
        for (row, (left, count, _)) in rows.iter().enumerate() {
            let place = |at: usize| (*left..left + count).contains(&at);
            mask.push((0..longest).map(|at| u8::from(place(at))).collect::<Vec<_>>());
            ids.push((0..longest).map(|at| TokenId((row * 100 + at) as u32)).collect::<Vec<_>>());
            real += count;
        }
        let batch = Unpadded::new(&ids, &mask).expect("a padded batch");
        prop_assert_eq!(batch.ids().len(), real);
        prop_assert_eq!(batch.cumulative().len(), rows.len() + 1);
        let values: Vec<f32> =
            batch.ids().iter().flat_map(|id| (0..width).map(move |column| (id.0 * 10) as f32 + column as f32)).collect();
        let padded = batch.scatter(&values, -1.0);
        prop_assert_eq!(padded.len(), if real == 0 { 0 } else { rows.len() * longest * width });
        for (index, chunk) in padded.chunks(width).enumerate() {
            let (row, at) = (index / longest, index % longest);
            let expected = if mask[row][at] == 1 { (ids[row][at].0 * 10) as f32 } else { -1.0 };
            prop_assert_eq!(chunk[0], expected);
        }
    }

    #[test]
    fn positions_of_packed_samples_count_from_zero(lengths in prop::collection::vec(0_usize..9, 0..6)) {
        let mut cumulative = vec![0];
        for length in &lengths {
            cumulative.push(cumulative[cumulative.len() - 1] + length);
        }
        let row = Positions::packed(&cumulative);
        let expected: Vec<usize> = lengths.iter().flat_map(|&length| 0..length).collect();
        prop_assert_eq!(row.tokens(), expected.len());
        prop_assert_eq!(row.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn text_ends_before_the_stop_string_however_it_was_cut(
        text in "[ab ]{0,30}", stop in "[ab]{1,4}", cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let mut borders: Vec<usize> =
            cuts.iter().map(|cut| cut.index(text.len() + 1)).chain([0, text.len()]).collect();
        borders.sort_unstable();
        let mut watch = StopText::new(vec![stop.clone(), String::new()]);
        let mut out: String = borders.windows(2).map(|pair| watch.push(&text[pair[0]..pair[1]])).collect();
        out += &watch.finish();
        prop_assert_eq!(&out, text.split(stop.as_str()).next().expect("a first part"));
        prop_assert_eq!(watch.stopped(), text.contains(stop.as_str()));
    }

    #[test]
    fn a_sampled_token_is_one_of_the_candidates(
        logits in prop::collection::vec(-8.0_f32..8.0, 1..40), position in any::<u64>(), seed in any::<u64>(),
        top_k in 1_usize..50,
    ) {
        let config = SamplingConfig::greedy().with_temperature(0.9).with_top_k(top_k).with_seed(seed);
        let id = sample(&logits, &[], &config, position);
        let better = logits.iter().filter(|logit| **logit > logits[id.index()]).count();
        prop_assert!(better < top_k, "{better} logits are larger than the chosen one");
        prop_assert_eq!(sample(&logits, &[], &config, position), id, "a draw is a function of seed and position");
        let one = config.with_top_k(1);
        prop_assert_eq!(sample(&logits, &[], &one, position), argmax(&logits));
        let cold = SamplingConfig::greedy().with_temperature(0.9).with_min_p(1.0).with_seed(seed);
        let chosen = sample(&logits, &[], &cold, position);
        // Logits that are nearly equal have the same probability once they are rounded.
        prop_assert!(logits[argmax(&logits).index()] - logits[chosen.index()] < 1e-5);
    }

    #[test]
    fn rotations_keep_lengths_and_depend_on_the_position_alone(
        half in 1_usize..9, first in 0_usize..5000, factor in 1.0_f64..8.0,
    ) {
        let size = ModelSize { hidden: 2 * half, layers: 1, heads: 1, inter: 1, vocab: 4 };
        let plain = Rope::new(&ModelConfig::new(size));
        let (cos, sin) = plain.angles(1, first..first + 3);
        prop_assert_eq!((cos.len(), sin.len()), (3 * half, 3 * half));
        for (cos, sin) in cos.iter().zip(&sin) {
            prop_assert!((cos * cos + sin * sin - 1.0).abs() < 1e-5);
        }
        let (later, _) = plain.angles(1, first + 1..first + 2);
        prop_assert_eq!(&cos[half..2 * half], &later[..]);
        // Dynamic scaling leaves short sequences alone and stretches long ones more and more.
        let config = ModelConfig::new(size).with_max_position(1000).with_rope_scaling(RopeScaling::Dynamic { factor });
        let dynamic = Rope::new(&config);
        prop_assert_eq!(dynamic.base(1000), plain.base(1000));
        if half > 1 {
            prop_assert!(dynamic.base(2000) >= dynamic.base(1500) && dynamic.base(1500) >= dynamic.base(1000));
        }
    }

    #[test]
    fn tensors_read_back_from_any_number_of_shards(
        sizes in prop::collection::vec((1_usize..6, 1_usize..6), 1..6), limit in 1_u64..400, seed in 0_u64..99,
        dtype in prop::sample::select(vec![DType::F32, DType::Bf16, DType::F16]),
    ) {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mut rng = TestRng::new(seed);
        let tensors: Vec<(String, Vec<usize>)> =
            sizes.iter().enumerate().map(|(index, &(rows, columns))| (format!("t{index}"), vec![rows, columns])).collect();
        // Numbers that every one of the types holds exactly.
        let values: BTreeMap<String, Vec<f32>> = tensors
            .iter()
            .map(|(name, shape)| {
                let count = shape.iter().product();
                (name.clone(), (0..count).map(|_| rng.below(256) as f32 - 128.0).collect())
            })
            .collect();
        let config = WriteConfig::new(dtype).with_max_shard_bytes(limit);
        weights::write_folder(folder.path(), &tensors, &config, &mut |name| Ok(values[name].clone())).expect("writes");
        let source = WeightFolder::open(folder.path()).expect("opens");
        prop_assert_eq!(source.names(), values.keys().cloned().collect::<Vec<_>>());
        for (name, shape) in &tensors {
            let info = source.info(name).expect("is there");
            prop_assert_eq!((&info.shape, info.encoding), (shape, Encoding::from(dtype)));
            prop_assert_eq!(&source.read_f32(name).expect("reads"), &values[name]);
            // A shard is within the limit unless it holds one tensor only.
            let file = source.file(name);
            let inside = tensors.iter().filter(|(other, _)| source.file(other) == file);
            let bytes: u64 = inside.clone().filter_map(|(other, shape)| {
                source.info(other)?.encoding.byte_length(shape).map(|bytes| bytes as u64)
            }).sum();
            prop_assert!(bytes <= limit || inside.count() == 1);
        }
    }

    #[test]
    fn blocks_are_whole_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        for encoding in [Encoding::Q4_0, Encoding::Q4_1, Encoding::Q5_0, Encoding::Q5_1, Encoding::Q8_0, Encoding::Q6K, Encoding::Bf16] {
            let (values, size) = encoding.block();
            let count = encoding.dequantize(&bytes).map(|values| values.len());
            prop_assert_eq!(count, bytes.len().is_multiple_of(size).then(|| bytes.len() / size * values));
            prop_assert_eq!(encoding.byte_length(&[3, 2 * values]), Some(6 * size));
        }
    }

    #[test]
    fn an_adapter_merges_to_the_layer_that_it_is(
        (outputs, inputs, rank) in (1_usize..9, 1_usize..9, 1_usize..4), seed in 0_u64..99,
    ) {
        let mut rng = TestRng::new(seed);
        let mut tensor = |rows: usize, columns: usize| {
            Tensor::<1>::from_floats(&rng.floats(rows * columns, 1.0)[..], &device()).reshape([rows, columns])
        };
        let (weight, x, b) = (tensor(outputs, inputs), tensor(3, inputs), tensor(outputs, rank));
        let base = Linear::dense(weight.clone(), None);
        let mut adapted = base.clone().inject_lora(
            &LoraConfig::new(rank, 3.0).with_seed(seed), "layer", &Noise::default());
        let plain = numbers(base.forward(x.clone()));
        prop_assert!(far(&numbers(adapted.forward(x.clone())), &plain) < 1e-6, "a new adapter changes nothing");
        let Linear::Lora(lora) = &mut adapted else { unreachable!("an adapter was injected") };
        lora.b = burn::module::Param::from_tensor(b);
        let (with, merged) = (numbers(adapted.forward(x.clone())), adapted.merge());
        prop_assert_eq!(merged.shape(), [outputs, inputs]);
        prop_assert!(far(&numbers(merged.forward(x)), &with) < 1e-5);
    }

    #[test]
    fn a_generation_continues_as_it_would_have(length in 1_usize..8, split in 0_usize..8, seed in 0_u64..50) {
        let prompt = [TokenId(1), TokenId(seed as u32)];
        let all: Vec<TokenId> =
            Generator::new(decoder(), &prompt, GenerateConfig::new(length)).expect("starts").collect();
        prop_assert_eq!(all.len(), length);
        let taken = split.min(length);
        let longer = [&prompt[..], &all[..taken]].concat();
        let mut rest = Generator::new(decoder(), &longer, GenerateConfig::new(length - taken)).expect("starts");
        prop_assert_eq!(rest.by_ref().collect::<Vec<_>>(), &all[taken..]);
        prop_assert_eq!(rest.finish(), Some(Finish::Length));
    }
}
