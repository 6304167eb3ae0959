//! The decoder without shared data: saving, adapters, quantized layers, caches, devices.

use burn::tensor::{Device, Tensor};
use internlm_kit::exit::BadInput;
use internlm_model::attend::{Attend, Causal, GrowingCache, HeadShape};
use internlm_model::config::{Biased, Family, SlidingWindow};
use internlm_model::generate::Finish;
use internlm_model::kernels::{CachedKeys, KeyBlock, QueryRows, cached_attention, plain};
use internlm_model::linear::{Linear, LoraConfig, Noise};
use internlm_model::padding::Unpadded;
use internlm_model::parameter::{Training, numbers};
use internlm_model::positions::Run;
use internlm_model::sampling::SamplingConfig;
use internlm_model::{Decoder, GenerateConfig, Generator, ModelConfig, ModelSize, TokenId, device, reward};

fn config() -> ModelConfig {
    let size = ModelSize { hidden: 64, layers: 2, heads: 4, inter: 96, vocab: 80 };
    ModelConfig::new(size).with_kv_heads(2)
}

fn logits(decoder: &Decoder, attend: &mut dyn Attend, ids: std::ops::Range<u32>) -> Vec<f32> {
    let ids: Vec<TokenId> = ids.map(|id| TokenId(id * 7 % 80)).collect();
    let ids = decoder.ids(&ids, &Device::flex()).expect("ids below 80");
    numbers(decoder.logits(decoder.forward(ids, attend)))
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_saved_decoder_loads_with_the_same_bits() {
    let biased = config().with_biases(&[Biased::Qkv, Biased::Output]);
    for config in [config(), config().with_tied_output(), biased] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let decoder = Decoder::init(&config, 3, &Device::flex());
        decoder.save(folder.path()).expect("saves");
        let loaded = Decoder::load(folder.path(), &Device::flex()).expect("loads");
        assert_eq!(*loaded.config(), config);
        let run = |decoder: &Decoder| logits(decoder, &mut Causal::sequence(20), 0..20);
        assert_eq!(run(&decoder), run(&loaded), "{config:?}");
        let count: usize =
            decoder.parameters().iter().map(|(_, p)| p.shape().iter().product::<usize>()).sum();
        assert_eq!(count as u64, config.parameters(), "{config:?}");
    }
}

#[test]
fn initialization_is_a_function_of_seed_and_name() {
    let config = config();
    let run = |seed| Decoder::init(&config, seed, &Device::flex()).parameters()[2].1.to_vec();
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    let std = (run(1).iter().map(|x| x * x).sum::<f32>() / run(1).len() as f32).sqrt();
    assert!((std - 0.02).abs() < 0.001, "{std}");
}

#[test]
fn an_adapter_changes_nothing_at_first_and_merges_to_the_same_output() {
    let mut decoder = Decoder::init(&config(), 3, &Device::flex());
    let before = logits(&decoder, &mut Causal::sequence(9), 0..9);
    let lora = LoraConfig::new(4, 8.0).with_seed(1);
    for (name, linear) in decoder.linears_mut() {
        let taken = std::mem::replace(linear, Linear::dense(Tensor::zeros([1, 1], &Device::flex()), None));
        *linear = taken.inject_lora(&lora, &name, &Noise::default());
    }
    assert_eq!(logits(&decoder, &mut Causal::sequence(9), 0..9), before, "B is zero");
    for (name, mut parameter) in decoder.parameters_mut() {
        if name.ends_with("lora_B.weight") {
            let count = parameter.get().shape().iter().product::<usize>();
            parameter.set((0..count).map(|i| (i % 7) as f32 * 0.01 - 0.03).collect());
        }
    }
    let adapted = logits(&decoder, &mut Causal::sequence(9), 0..9);
    assert!(largest_difference(&adapted, &before) > 1e-3, "the adapters do something");
    let merged = decoder.clone().merged();
    assert_eq!(merged.parameters().len(), 2 * 7 + 3, "no adapters are left");
    let difference = largest_difference(&logits(&merged, &mut Causal::sequence(9), 0..9), &adapted);
    assert!(difference < 1e-5, "{difference}");
}

#[test]
fn only_adapters_of_an_adapted_decoder_get_gradients() {
    let device = Device::flex().autodiff();
    let mut decoder = Decoder::init(&config(), 3, &device);
    for (_, mut parameter) in decoder.parameters_mut() {
        parameter.set_training(Training::Frozen);
    }
    for (name, linear) in decoder.linears_mut() {
        let taken = std::mem::replace(linear, Linear::dense(Tensor::zeros([1, 1], &device), None));
        *linear = taken.inject_lora(&LoraConfig::new(2, 4.0).with_seed(1), &name, &Noise::default());
    }
    let ids: Vec<TokenId> = (0..12).map(TokenId).collect();
    let labels: Vec<_> = ids.iter().copied().map(Some).collect();
    let hidden = decoder.forward(decoder.ids(&ids, &device).expect("ids"), &mut Causal::sequence(12));
    let mut gradients = decoder.cross_entropy(hidden, &labels).sum.backward();
    for (name, parameter) in decoder.parameters() {
        let found = parameter.take_gradient(&mut gradients).is_some();
        assert_eq!(found, name.contains("lora_"), "{name}");
        assert_eq!(parameter.training() == Training::Trained, name.contains("lora_"), "{name}");
    }
}

#[test]
fn a_quantized_layer_is_within_half_a_step_of_its_matrix() {
    let decoder = Decoder::init(&config(), 3, &Device::flex());
    let linear = decoder.layers[0].feed_forward.w1.clone();
    let dense = numbers(linear.weight());
    let quantized = linear.quantize();
    assert!(matches!(quantized, Linear::Quantized(_)));
    let restored = numbers(quantized.weight());
    for (block, (dense, restored)) in dense.chunks(32).zip(restored.chunks(32)).enumerate() {
        let step = dense.iter().fold(0.0_f32, |max, w| max.max(w.abs())) / 127.0;
        assert!(largest_difference(dense, restored) <= 0.5001 * step, "block {block}");
    }
    let x = Tensor::<2>::ones([3, 64], &Device::flex());
    let merged = quantized.clone().merge();
    assert!(largest_difference(&numbers(quantized.forward(x.clone())), &numbers(merged.forward(x))) < 1e-6);
}

#[test]
fn a_growing_cache_gives_the_logits_of_the_whole_sequence() {
    let decoder = Decoder::init(&config(), 3, &Device::flex());
    let whole = logits(&decoder, &mut Causal::sequence(30), 0..30);
    let mut cache = GrowingCache::new();
    let mut pieces = Vec::new();
    for range in [0..1, 1..20, 20..21, 21..30] {
        cache.extend(range.len());
        pieces.extend(logits(&decoder, &mut cache, range));
    }
    assert_eq!(cache.len(), 30);
    assert!(largest_difference(&pieces, &whole) < 2e-6);
}

#[test]
fn a_window_hides_what_is_before_it_in_every_way_of_running() {
    let size = ModelSize { hidden: 64, layers: 2, heads: 4, inter: 96, vocab: 80 };
    let window = SlidingWindow { tokens: 5, full_layers: vec![1] };
    let config =
        ModelConfig::new(size).with_family(Family::Qwen2).with_kv_heads(2).with_sliding_window(window);
    let decoder = Decoder::init(&config, 3, &Device::flex());
    let whole = logits(&decoder, &mut Causal::sequence(30), 0..30);
    let mut without = config;
    without.sliding_window = None;
    let full = logits(&Decoder::init(&without, 3, &Device::flex()), &mut Causal::sequence(30), 0..30);
    assert!(
        largest_difference(&whole[..5 * 80], &full[..5 * 80]) < 1e-6,
        "five tokens are inside the window"
    );
    assert!(largest_difference(&whole[5 * 80..6 * 80], &full[5 * 80..6 * 80]) > 1e-6);
    let mut cache = GrowingCache::new();
    let mut pieces = Vec::new();
    for range in [0..1, 1..20, 20..21, 21..30] {
        cache.extend(range.len());
        pieces.extend(logits(&decoder, &mut cache, range));
    }
    assert!(largest_difference(&pieces, &whole) < 2e-6);
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = decoder.save(folder.path()).expect_err("InternLM2 files have no windows").to_string();
    assert!(error.contains("sliding-window: found 5 tokens"), "{error}");
}

#[test]
fn cached_attention_over_blocks_equals_the_plain_one() {
    let (shape, d) = (HeadShape { heads: 6, kv_heads: 2 }, 8);
    for (first, tokens, block_tokens, window) in [
        (0, 5, 16, None),
        (37, 1, 16, None),
        (300, 70, 16, None),
        (300, 70, 1000, None),
        (513, 2, 256, None),
        (0, 5, 16, Some(2)),
        (37, 1, 16, Some(1)),
        (300, 70, 16, Some(20)),
        (300, 70, 1000, Some(90)),
        (513, 2, 256, Some(256)),
        (513, 2, 256, Some(600)),
    ] {
        let run = Run { first, tokens };
        let random = |count: usize, seed: usize| -> Vec<f32> {
            (0..count).map(|i| (((i * 7919 + seed * 104_729) % 2003) as f32 - 1001.0) / 400.0).collect()
        };
        let (q, keys) = (random(tokens * shape.heads * d, 1), run.keys() * shape.kv_heads * d);
        let (k, v) = (random(keys, 2), random(keys, 3));
        let width = block_tokens * shape.kv_heads * d;
        let blocks: Vec<KeyBlock<'_>> =
            k.chunks(width).zip(v.chunks(width)).map(|(keys, values)| KeyBlock { keys, values }).collect();
        let mut out = vec![0.0; q.len()];
        let cached = CachedKeys { blocks: &blocks, block_tokens };
        cached_attention(QueryRows { q: &q, run, shape, window }, cached, &mut out);
        let tensor = |values: &[f32], heads: usize| {
            Tensor::<1>::from_floats(values, &Device::flex()).reshape([values.len() / heads / d, heads, d])
        };
        let expected = plain::attention(
            tensor(&q, shape.heads),
            tensor(&k, shape.kv_heads),
            tensor(&v, shape.kv_heads),
            run,
            window,
        );
        let difference = largest_difference(&out, &numbers(expected));
        assert!(difference < 1e-5, "{run:?} in blocks of {block_tokens}, {window:?}: {difference}");
    }
}

#[test]
fn sampled_generation_is_a_function_of_the_seed() {
    let decoder = Decoder::init(&config(), 3, &Device::flex());
    let run = |seed| -> Vec<TokenId> {
        let sampling = SamplingConfig::greedy().with_temperature(1.0).with_seed(seed);
        let options = GenerateConfig::new(12).with_sampling(sampling).with_vocabulary(50);
        Generator::new(&decoder, &[TokenId(1)], options).expect("a valid prompt").collect()
    };
    assert_eq!(run(5), run(5));
    assert_ne!(run(5), run(6));
    assert!(run(5).iter().all(|id| id.0 < 50));
}

#[test]
fn generation_ends_at_a_stop_id_or_at_the_limit() {
    let decoder = Decoder::init(&config(), 3, &Device::flex());
    let run = |stop_ids: Vec<TokenId>| {
        let options = GenerateConfig::new(8).with_stop_ids(stop_ids);
        let mut generator = Generator::new(&decoder, &[TokenId(1)], options).expect("a valid prompt");
        let ids: Vec<TokenId> = generator.by_ref().collect();
        (ids, generator.finish())
    };
    let (all, finish) = run(Vec::new());
    assert_eq!((all.len(), finish), (8, Some(Finish::Length)));
    let first = all.iter().position(|id| *id == all[5]).expect("it is there");
    assert_eq!(run(vec![all[5]]), (all[..first].to_vec(), Some(Finish::StopId)));
}

#[test]
fn bad_requests_name_what_was_found() {
    let decoder = Decoder::init(&config(), 3, &Device::flex());
    let text = |result: Result<(), internlm_model::Error>| {
        let error = result.expect_err("the request is bad");
        assert!(error.is_bad_input());
        error.to_string()
    };
    let generate =
        |prompt: &[TokenId]| text(Generator::new(&decoder, prompt, GenerateConfig::default()).map(|_| ()));
    assert_eq!(generate(&[]), "prompt: found no tokens, expected at least one");
    let unknown = "token id at index 0: found 80, expected an id below the vocabulary's 80";
    assert_eq!(generate(&[TokenId(80)]), unknown);
    for (name, message) in [
        ("gpu", "device `gpu`: expected cpu, cuda:N or vulkan:N"),
        ("cpu:1", "device `cpu:1`: expected cpu, cuda:N or vulkan:N"),
        ("cuda:x", "device `cuda:x`: expected a device number after the colon"),
    ] {
        assert_eq!(text(device::parse(name).map(|_| ())), message);
    }
    #[cfg(not(feature = "cuda"))]
    assert!(text(device::parse("cuda:0").map(|_| ())).contains("--features cuda"));
    let odd = config().with_biases(&[Biased::FeedForward]);
    let decoder = Decoder::init(&odd, 1, &Device::flex());
    let folder = tempfile::tempdir().expect("a temporary folder");
    assert!(text(decoder.save(folder.path())).contains("mlp-bias"));
}

#[test]
fn a_padded_sequence_has_the_logits_it_has_alone() {
    let config = config();
    let decoder = Decoder::init(&config, 3, &Device::flex());
    let row = |ids: std::ops::Range<u32>| ids.map(|id| TokenId(id * 7 % 80)).collect::<Vec<_>>();
    let pad = |count| vec![TokenId(2); count];
    // Padded left, not at all, right, and nothing but padding.
    let ids = [[pad(3), row(0..5)].concat(), row(10..18), [row(20..22), pad(6)].concat(), pad(8)];
    let mask = [(3, 5), (0, 8), (0, 2), (0, 0)].map(|(left, real)| {
        (0..8).map(|at| u8::from((left..left + real).contains(&at))).collect::<Vec<u8>>()
    });
    let batch = Unpadded::new(&ids, &mask).expect("a padded batch");
    let packed = decoder.ids(batch.ids(), &Device::flex()).expect("ids below 80");
    let packed = numbers(decoder.logits(decoder.forward(packed, &mut batch.attend())));
    let padded = batch.scatter(&packed, 0.0);
    for (place, alone) in [(3, 0..5), (8, 10..18), (16, 20..22)] {
        let alone = logits(&decoder, &mut Causal::sequence(alone.len()), alone);
        let found = &padded[place * 80..place * 80 + alone.len()];
        assert!(largest_difference(found, &alone) < 1e-6);
    }
    assert!(padded[..3 * 80].iter().chain(&padded[24 * 80..]).all(|&value| value == 0.0));
    for (ids, mask) in [(&ids[..1], vec![vec![1, 0, 1, 0, 0, 0, 0, 0]]), (&ids[..1], vec![vec![1; 7]])] {
        assert!(Unpadded::new(ids, &mask).is_err());
    }
}

#[test]
fn a_reward_model_scores_the_last_token() {
    let config = config().with_family(Family::InternLm2Reward).with_reward_token(TokenId(79));
    let decoder = Decoder::init(&config, 5, &Device::flex());
    let conversations =
        [vec![TokenId(4), TokenId(9)], vec![TokenId(4), TokenId(9), TokenId(79)], vec![TokenId(8)]];
    let scores = reward::scores(&decoder, &conversations, &Device::flex()).expect("scores");
    assert_eq!((scores[0], scores.len()), (scores[1], 3));
    // The value head by hand: its product with the last hidden state.
    let ids = decoder.ids(&conversations[1], &Device::flex()).expect("ids below 80");
    let hidden = numbers(decoder.forward(ids, &mut Causal::sequence(3)));
    let head = decoder.parameters().pop().expect("a value head");
    assert_eq!((head.0.as_str(), head.1.shape()), ("v_head.weight", vec![1, 64]));
    let score: f32 = hidden[2 * 64..].iter().zip(head.1.to_vec()).map(|(h, w)| h * w).sum();
    assert!((score - scores[1]).abs() < 1e-5, "{score} {scores:?}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    decoder.save(folder.path()).expect("saves");
    let loaded = Decoder::load(folder.path(), &Device::flex()).expect("loads");
    let again = reward::scores(&loaded, &conversations, &Device::flex());
    assert_eq!(again.expect("scores"), scores);
    let language = Decoder::init(&config.with_family(Family::InternLm2), 5, &Device::flex());
    assert!(reward::scores(&language, &conversations, &Device::flex()).is_err());
}
