//! QLoRA: adapters over packed weights: how small the base is, what stays float, and how well they learn.

use internlm_kit::rng::CounterRng;
use internlm_model::attend::Causal;
use internlm_model::decoder::Decoder;
use internlm_model::packed::{PackedFormat, PackedMatrix};
use internlm_model::parameter::numbers;
use internlm_model::{ModelConfig, ModelSize, TokenId, device};
use internlm_train::{Row, Trainer, TrainerConfig, evaluate};
use xtuner::lora::{Adapter, AdapterConfig, BaseFormat, LoraTuningConfig, inject, pack};

const VOCAB: u64 = 64;

fn model() -> ModelConfig {
    let size = ModelSize { hidden: 64, layers: 2, heads: 2, inter: 128, vocab: VOCAB as usize };
    ModelConfig::new(size).with_kv_heads(1)
}

fn base() -> Decoder {
    Decoder::init(&model(), 3, &device::parse("cpu").expect("the CPU"))
}

/// Counting with noise: two rows of 24 ids.
fn rows(purpose: &str, step: u64) -> Vec<Row> {
    let rng = CounterRng::new(step, purpose);
    let row = |row: u64| {
        let first = rng.below(1000 * row, VOCAB - 3);
        let id = |place: u64| 3 + (first + 5 * place + rng.below(1000 * row + 1 + place, 3)) % (VOCAB - 3);
        Row::sample(&(0..24).map(|place| TokenId(id(place) as u32)).collect::<Vec<_>>())
    };
    (0..2).map(row).collect()
}

/// The model after `steps` steps on the rows of `purpose`.
fn trained(decoder: Decoder, purpose: &str, steps: u64) -> Trainer {
    let mut config = TrainerConfig::new(steps, 3e-3);
    config.optim.weight_decay = 0.0;
    let mut trainer = Trainer::new(decoder.config().clone(), decoder, config).expect("has parameters");
    for step in 0..steps {
        trainer.step(&rows(purpose, step)).expect("steps");
    }
    trainer
}

/// A fresh model with the values of `decoder`.
fn copied(decoder: &Decoder) -> Decoder {
    let mut copy = base();
    for ((_, mut parameter), (_, value)) in copy.parameters_mut().into_iter().zip(decoder.parameters()) {
        parameter.set(value.to_vec());
    }
    copy
}

fn logits(decoder: &Decoder) -> Vec<f32> {
    let ids: Vec<TokenId> = (0..20).map(|i| TokenId(3 + i * 7 % 61)).collect();
    let input = decoder.ids(&ids, &device::parse("cpu").expect("the CPU")).expect("known ids");
    numbers(decoder.logits(decoder.forward(input, &mut Causal::sequence(ids.len()))))
}

#[test]
fn the_base_takes_half_a_byte_per_weight_and_the_rest_stays_float() {
    let lora = LoraTuningConfig::new(4, 8.0).with_base(BaseFormat::Nf4Double);
    let mut decoder = inject(base(), &lora, 1).expect("injects");
    let (mut bytes, mut weights) = (0, 0);
    for (name, linear) in decoder.linears_mut() {
        let [outputs, inputs] = linear.shape();
        match linear.packed_matrix() {
            Some(matrix) => {
                assert_eq!(matrix.format(), PackedFormat::Nf4Double, "{name}");
                bytes += matrix.bytes();
                weights += outputs * inputs;
            }
            None => assert_eq!(name, "output"),
        }
    }
    let share = bytes as f64 / weights as f64;
    assert!(share <= 0.53, "{share} byte per weight");
    let names: Vec<String> = decoder.parameters().into_iter().map(|(name, _)| name).collect();
    for name in ["model.tok_embeddings.weight", "model.norm.weight", "output.weight"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert!(!names.iter().any(|name| name == "model.layers.0.attention.wo.weight"));
}

#[test]
fn a_fresh_adapter_leaves_the_packed_model_as_it_is() {
    for format in [BaseFormat::Bf16, BaseFormat::Int8, BaseFormat::Nf4, BaseFormat::Nf4Double] {
        let lora = LoraTuningConfig::new(4, 8.0).with_base(format);
        let decoder = inject(base(), &lora, 1).expect("injects");
        assert_eq!(logits(&decoder), logits(&pack(base(), format)), "{format:?}");
        assert_ne!(logits(&decoder), logits(&base()), "{format:?}");
    }
}

#[test]
fn codes_are_those_of_the_packed_matrix() {
    let mut decoder = pack(base(), BaseFormat::Nf4);
    let mut plain = base();
    let weights: Vec<Vec<f32>> =
        plain.linears_mut().iter().map(|(_, linear)| numbers(linear.weight())).collect();
    for ((_, linear), weights) in decoder.linears_mut().into_iter().zip(weights) {
        if let Some(matrix) = linear.packed_matrix() {
            let expected = PackedMatrix::pack(&weights, matrix.shape(), PackedFormat::Nf4);
            let codes = |matrix: &PackedMatrix| -> Vec<Option<u8>> {
                (0..weights.len()).map(|index| matrix.nf4_code(index)).collect()
            };
            assert_eq!(codes(matrix), codes(&expected));
        }
    }
}

#[test]
fn two_hundred_steps_lose_at_most_a_percent_to_lora() {
    let start = trained(base(), "pretraining", 120).into_decoder();
    let held_out: Vec<Row> = (1000..1040).flat_map(|step| rows("tuning", step)).collect();
    let before = evaluate(&start, &held_out, 4096).expect("evaluates").loss();
    let loss = |format: BaseFormat| {
        let lora = LoraTuningConfig::new(8, 16.0).with_base(format);
        let decoder = inject(copied(&start), &lora, 7).expect("injects");
        trained(decoder, "tuning", 200).evaluate(&held_out).expect("evaluates").loss()
    };
    let (lora, nf4) = (loss(BaseFormat::F32), loss(BaseFormat::Nf4Double));
    assert!(lora < before, "{lora}, {before} before tuning");
    assert!(nf4 <= 1.01 * lora, "{nf4} with packed weights, {lora} with floats");
}

#[test]
fn an_adapter_of_packed_weights_merges_into_what_it_was_trained_on() {
    let lora = LoraTuningConfig::new(4, 8.0).with_base(BaseFormat::Nf4Double);
    let trainer = trained(inject(base(), &lora, 7).expect("injects"), "tuning", 5);
    let tuned = trainer.validation_decoder();
    let merged = logits(&tuned.clone().merged());
    let difference = logits(&tuned).iter().zip(&merged).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(difference < 1e-5, "{difference}");
    // The files hold the adapter only, which applies to the packed and to the float base alike.
    let adapter = Adapter::of(trainer.decoder(), AdapterConfig::new(&lora, "base"));
    let again = adapter.apply(pack(base(), BaseFormat::Nf4Double), "made").expect("applies");
    assert_eq!(logits(&again), logits(&tuned));
    assert!(adapter.apply(base(), "made").is_ok());
}
