//! A head that is stored beside the embedding of a folder that calls them one matrix.

use std::path::Path;

use internlm_kit::testing::TestRng;
use internlm_model::ModelConfig;
use internlm_model::weights::{names, write_folder};
use serde_json::json;
use turbomind::{Compute, Engine, EngineConfig, LogitEntries, Outputs, SeqStep};

/// The head of a folder.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Head {
    /// Not stored.
    Absent,
    /// Stored with the numbers of the embedding.
    Embedding,
    /// Stored with numbers of its own.
    Own,
}

/// Writes a tiny model and gives the logits of its last position.
fn logits(folder: &Path, is_tied: bool, head: Head) -> Vec<f32> {
    let mut config = json!({
        "architectures": ["InternLM2ForCausalLM"], "hidden_size": 64, "num_hidden_layers": 1,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 96, "vocab_size": 220,
        "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "rope_theta": 1e4, "bias": false,
        "tie_word_embeddings": false,
    });
    let object = config.as_object().expect("an object");
    let untied = ModelConfig::from_hf_json(object, Path::new("config.json")).expect("a config");
    let mut tensors = names::expected(&untied);
    tensors.retain(|(name, _)| head != Head::Absent || name != "output.weight");
    config["tie_word_embeddings"] = json!(is_tied);
    std::fs::write(folder.join("config.json"), config.to_string()).expect("writes");
    write_folder(folder, &tensors, &Default::default(), &mut |name| {
        let (_, shape) = tensors.iter().find(|(other, _)| other == name).expect("a tensor of the list");
        let seed = if name == "output.weight" && head == Head::Own { 2 } else { 1 };
        Ok(TestRng::new(seed).floats(shape.iter().product(), 0.1))
    })
    .expect("writes");
    let options = EngineConfig::new().with_compute(Compute::F32).with_threads(1).with_kv_blocks(1);
    let mut engine = Engine::load(folder, &options).expect("loads");
    let mut outputs = Outputs::default();
    let step = SeqStep::new(&[5, 6, 7], 0, &[0]);
    engine.forward(&[step], LogitEntries::All, &mut outputs).expect("a pass");
    outputs.logits
}

#[test]
fn it_is_used_when_it_differs_and_changes_nothing_when_it_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let tied = logits(folder.path(), true, Head::Absent);
    let own = logits(folder.path(), false, Head::Own);
    assert_ne!(tied, own);
    assert_eq!(logits(folder.path(), true, Head::Embedding), tied);
    assert_eq!(logits(folder.path(), true, Head::Own), own);
}
