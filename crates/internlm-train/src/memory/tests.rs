//! Sizes against those of real models, and passes against the rows that training joins.

use internlm_model::linear::LoraConfig;
use internlm_model::packed::{PackedFormat, PackedMatrix};
use internlm_model::{ModelSize, TokenId};

use super::shapes::packed_bytes;
use super::*;
use crate::{Error, Result, Row};

fn model() -> ModelConfig {
    let size = ModelSize { hidden: 32, layers: 3, heads: 4, inter: 48, vocab: 100 };
    ModelConfig::new(size).with_kv_heads(2)
}

fn full(model: &ModelConfig) -> TrainedShape {
    TrainedShape::of(model, Ok::<_, Error>).expect("tunes nothing")
}

#[test]
fn weights_are_counted_as_the_model_counts_them() {
    let tied = model().with_tied_output();
    for model in [model(), tied] {
        let shape = full(&model);
        let memory = shape.memory(Passes { tokens: 64, count: 1 }, Recompute::None);
        assert_eq!((shape.trained(), memory.weights), (model.parameters(), 4 * model.parameters()));
        assert_eq!(memory.moments, 8 * model.parameters());
    }
}

#[test]
fn packed_layers_and_adapters_have_their_real_sizes() {
    for format in [PackedFormat::Bf16, PackedFormat::Int8, PackedFormat::Nf4, PackedFormat::Nf4Double] {
        let weights: Vec<f32> = (0..96 * 77).map(|i| (i % 13) as f32).collect();
        let packed = PackedMatrix::pack(&weights, [96, 77], format);
        assert_eq!(packed_bytes(format, 96 * 77), packed.bytes() as u64, "{format:?}");
    }
    let tune = |mut decoder: Decoder| -> Result<Decoder> {
        for (_, mut parameter) in decoder.parameters_mut() {
            parameter.set_training(Training::Frozen);
        }
        let noise = decoder.noise().clone();
        for (name, linear) in decoder.linears_mut() {
            if name.ends_with("w1") {
                let packed = linear.clone().pack(PackedFormat::Nf4);
                *linear = packed.inject_lora(&LoraConfig::new(5, 8.0), &name, &noise);
            }
        }
        Ok(decoder)
    };
    let shape = TrainedShape::of(&model(), tune).expect("tunes");
    assert_eq!(shape.trained(), 3 * 5 * (32 + 48));
    let floats = model().parameters() - 3 * 32 * 48;
    let expected = 4 * (floats + shape.trained()) + 3 * packed_bytes(PackedFormat::Nf4, 32 * 48);
    let memory = shape.memory(Passes { tokens: 64, count: 2 }, Recompute::Layers);
    assert_eq!(memory.weights, expected);
    assert_eq!(memory.gradients, 4 * (shape.trained() + 5 * (32 + 48)));
}

#[test]
fn layers_below_the_first_that_learns_keep_nothing() {
    let tune = |mut decoder: Decoder| -> Result<Decoder> {
        for (name, mut parameter) in decoder.parameters_mut() {
            if !name.starts_with("model.layers.2.") {
                parameter.set_training(Training::Frozen);
            }
        }
        Ok(decoder)
    };
    let last = TrainedShape::of(&model(), tune).expect("tunes");
    let passes = Passes { tokens: 64, count: 1 };
    let bytes = |shape: &TrainedShape| shape.memory(passes, Recompute::None).activations;
    let kept = full(&model()).layers[0].kept;
    assert_eq!(bytes(&full(&model())) - bytes(&last), (4 * 64 * 2 * kept) as u64);
}

#[test]
fn passes_are_those_of_training() {
    for (rows, limit) in [(vec![5, 5, 5], 10), (vec![20, 3, 3, 3], 8), (vec![1; 9], 4), (vec![], 4)] {
        let passes = Passes::of(rows.iter().copied(), limit);
        let made = rows.iter().map(|tokens| Row::sample(&vec![TokenId(1); *tokens]));
        let made: Vec<Row> = made.collect();
        let joined = Row::join(&made, limit);
        let largest = joined.iter().map(Row::tokens).max().unwrap_or(0);
        assert_eq!(passes, Passes { tokens: largest, count: joined.len() }, "{rows:?} {limit}");
    }
}
