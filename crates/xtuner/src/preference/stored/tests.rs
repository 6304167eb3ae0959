//! Numbers are computed once, and again for other data or another model.

use internlm_kit::stop::Stop;
use internlm_model::{ModelConfig, ModelSize, TokenId, device};

use super::super::example::{Example, ExampleKind};
use super::*;
use crate::dataset::Sample;

fn packed(first: u32) -> PackedExamples {
    let sample = |length: u32| Sample {
        ids: (0..length).map(|index| TokenId((first + 3 * index) % 40)).collect(),
        weights: (0..length).map(|index| if index < 2 { 0.0 } else { 1.0 }).collect(),
    };
    let example = |index: u32| Example {
        comparison: index as usize,
        kind: ExampleKind::Pair,
        samples: [sample(5 + index % 3), sample(7)],
    };
    PackedExamples::one_by_one(&Vec::from_iter((0..70).map(example)))
}

#[test]
fn numbers_are_computed_once_for_each_model_and_data() {
    let size = ModelSize { hidden: 16, layers: 1, heads: 2, inter: 24, vocab: 40 };
    let decoder = Decoder::init(&ModelConfig::new(size), 1, &device::parse("cpu").expect("the CPU"));
    let folder = tempfile::tempdir().expect("temporary folder");
    let stop = Stop::new();
    let context = RunContext::default().with_stop(stop.clone());
    let store = |model: &str| Store {
        decoder: &decoder,
        model: model.to_owned(),
        folder: folder.path(),
        pass_tokens: 64,
        context: &context,
    };
    let found = store("a").sums(&packed(1)).expect("computes").expect("complete");
    let numbers: Vec<usize> = (0..70).collect();
    let expected = row_sums(&decoder, &packed(1), &numbers, 64).expect("computes");
    for (found, expected) in found.iter().flatten().flatten().zip(expected.iter().flatten().flatten()) {
        assert!((found - expected).abs() < 1e-4 && *found < 0.0, "{found} {expected}");
    }
    // Whoever must compute is stopped now; what the file holds is there at once.
    stop.request();
    assert_eq!(store("a").sums(&packed(1)).expect("reads"), Some(found));
    assert_eq!(store("b").sums(&packed(1)).expect("stops"), None);
    assert_eq!(store("a").sums(&packed(2)).expect("stops"), None);
    let files = std::fs::read_dir(folder.path()).expect("lists").count();
    assert_eq!(files, 1, "a stopped computation leaves nothing");
}
