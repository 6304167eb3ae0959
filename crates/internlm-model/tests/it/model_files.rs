//! Models in several files, heads that are stored beside the embedding, and tensors that nobody reads.

use std::path::{Path, PathBuf};

use internlm_model::weights::gguf::GgufFile;
use internlm_model::weights::internevo::Layout;
use internlm_model::weights::qkv::RowOrder;
use internlm_model::weights::torch::{self, TorchFile};
use internlm_model::weights::{
    self, ConvertConfig, Encoding, SafetensorsFile, Target, TensorInfo, TensorSource,
};
use proptest::prelude::*;
use safetensors::SafeTensors;
use serde_json::{Map, json};

use crate::models::{self, Pair};

type Tensors = Vec<(&'static str, Vec<u64>, Vec<f32>)>;

/// The keys and tensors of a LLaMA of one layer.
fn llama() -> (Vec<Pair<'static>>, Tensors) {
    let pairs = vec![
        Pair::Text("general.architecture", "llama"),
        Pair::Number("llama.block_count", 1),
        Pair::Number("llama.context_length", 16),
        Pair::Number("llama.embedding_length", 4),
        Pair::Number("llama.feed_forward_length", 2),
        Pair::Number("llama.attention.head_count", 1),
        Pair::Float("llama.attention.layer_norm_rms_epsilon", 1e-5),
    ];
    let tensor = |name: &'static str, sizes: &[u64]| {
        let count = sizes.iter().product::<u64>();
        (name, sizes.to_vec(), (0..count).map(|index| (name.len() as u64 + index) as f32).collect())
    };
    let tensors = vec![
        tensor("token_embd.weight", &[4, 3]),
        tensor("output_norm.weight", &[4]),
        tensor("blk.0.attn_q.weight", &[4, 4]),
        tensor("blk.0.attn_k.weight", &[4, 4]),
        tensor("blk.0.attn_v.weight", &[4, 4]),
        tensor("blk.0.attn_output.weight", &[4, 4]),
        tensor("blk.0.ffn_gate.weight", &[4, 2]),
        tensor("blk.0.ffn_up.weight", &[4, 2]),
        tensor("blk.0.ffn_down.weight", &[2, 4]),
        tensor("blk.0.attn_norm.weight", &[4]),
        tensor("blk.0.ffn_norm.weight", &[4]),
    ];
    (pairs, tensors)
}

/// Writes the model in `count` files, as llama.cpp splits it: all keys in the first one.
fn split(folder: &Path, count: usize) -> Vec<PathBuf> {
    let (mut pairs, tensors) = llama();
    let all = tensors.len();
    let parts = tensors.chunks(all.div_ceil(count)).enumerate();
    let paths = parts.map(|(index, part)| {
        let mut keys = std::mem::take(&mut pairs);
        keys.push(Pair::Number("split.no", index as u32));
        keys.push(Pair::Number("split.count", count as u32));
        keys.push(Pair::Number("split.tensors.count", all as u32));
        let path = folder.join(format!("tiny-{:05}-of-{count:05}.gguf", index + 1));
        std::fs::write(&path, models::gguf(3, &keys, part)).expect("writes");
        path
    });
    paths.collect()
}

#[test]
fn a_split_model_is_read_by_any_of_its_parts() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (pairs, tensors) = llama();
    let whole = folder.path().join("whole.gguf");
    std::fs::write(&whole, models::gguf(3, &pairs, &tensors)).expect("writes");
    let (config, expected) = weights::open(&whole).expect("opens");
    for count in [2, 3, 11] {
        for path in split(folder.path(), count) {
            let (found, source) = weights::open(&path).expect("opens");
            assert_eq!(found, config);
            assert_eq!(source.names(), expected.names());
            for name in source.names() {
                assert_eq!(
                    source.read_f32(&name).expect("reads"),
                    expected.read_f32(&name).expect("reads"),
                    "{name}"
                );
            }
            let file = GgufFile::open(&path).expect("opens");
            assert_eq!(file.files().count(), count);
            assert!(file.file("token_embd.weight").ends_with(format!("tiny-00001-of-{count:05}.gguf")));
        }
    }
}

#[cfg(unix)]
#[test]
fn parts_are_also_found_next_to_the_file_that_a_link_points_to() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let parts = split(folder.path(), 3);
    let links = tempfile::tempdir().expect("temporary folder");
    for (part, link) in [(&parts[1], "tiny-00002-of-00003.gguf"), (&parts[0], "model.gguf")] {
        let link = links.path().join(link);
        std::os::unix::fs::symlink(part, &link).expect("links");
        assert_eq!(GgufFile::open(&link).expect("opens").files().count(), 3);
    }
    std::fs::remove_file(&parts[2]).expect("removes");
    let text = GgufFile::open(links.path().join("model.gguf")).expect_err("a part is missing").to_string();
    assert!(text.contains("expected a name that ends in -00001-of-00003.gguf"), "{text}");
}

#[test]
fn parts_that_are_missing_or_contradict_each_other_are_named() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let paths = split(folder.path(), 3);
    let message = |path: &Path| GgufFile::open(path).expect_err("it is refused").to_string();
    let renamed = folder.path().join("renamed.gguf");
    std::fs::copy(&paths[1], &renamed).expect("copies");
    assert!(
        message(&renamed)
            .contains("part 2 of 3 of a split model: expected a name that ends in -00002-of-00003")
    );
    std::fs::copy(&paths[1], &paths[2]).expect("copies");
    let text = message(&paths[0]);
    assert!(text.contains("tiny-00003-of-00003.gguf: found part 2 of 3"), "{text}");
    std::fs::remove_file(&paths[2]).expect("removes");
    for path in &paths[..2] {
        let text = message(path);
        assert!(
            text.ends_with("of a split model: missing in its folder: tiny-00003-of-00003.gguf"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1);
    }
    // A part that was cut is named, whichever was opened.
    split(folder.path(), 3);
    let bytes = std::fs::read(&paths[1]).expect("reads");
    std::fs::write(&paths[1], &bytes[..bytes.len() - 64]).expect("writes");
    let text = message(&paths[0]);
    assert!(text.contains("tiny-00002-of-00003.gguf: truncated: the file has"), "{text}");
}

#[test]
fn tensors_of_a_gguf_that_nobody_reads_are_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.gguf");
    let opened = |name: &'static str, value: f32| {
        let (pairs, mut tensors) = llama();
        tensors.push((name, vec![4], vec![value; 4]));
        std::fs::write(&path, models::gguf(3, &pairs, &tensors)).expect("writes");
        weights::open(&path).map(|_| ()).map_err(|error| error.to_string())
    };
    for name in [
        "blk.0.attn_q_norm.weight",
        "blk.0.ffn_gate_inp.weight",
        "blk.0.rope_freqs.weight",
        "blk.1.attn_norm.weight",
        "x",
    ] {
        let text = opened(name, 1.0).expect_err("it is refused");
        assert!(text.contains(&format!("does not use: {name}")), "{text}");
        assert_eq!(text.lines().count(), 1);
    }
    assert!(opened("output_norm.bias", 1.0).is_err());
    for name in ["output_norm.bias", "blk.0.attn_rot_embd.weight"] {
        assert_eq!(opened(name, 0.0), Ok(()), "{name}");
    }
}

#[test]
fn stored_frequencies_that_the_config_does_not_give_are_noted() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.gguf");
    // Heads of 4 dimensions and a base of 10000: frequencies 1 and 0.01.
    for (values, notes) in [(vec![1.0, 0.01], 0), (vec![1.0, 0.005], 1), (vec![1.0], 1)] {
        let (pairs, mut tensors) = llama();
        tensors.push(("blk.0.attn_rot_embd.weight", vec![values.len() as u64], values));
        std::fs::write(&path, models::gguf(3, &pairs, &tensors)).expect("writes");
        let stored = weights::open_stored(&path).expect("opens");
        let named = stored.notes.iter().filter(|note| note.contains("blk.0.attn_rot_embd.weight"));
        assert_eq!(named.count(), notes);
    }
}

#[test]
fn tensors_without_a_place_of_their_own_are_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("x.gguf");
    let (pairs, mut tensors) = llama();
    tensors.push(("output_norm.weight", vec![4], vec![1.0; 4]));
    let bytes = models::gguf(3, &pairs, &tensors);
    std::fs::write(&path, &bytes).expect("writes");
    let text = GgufFile::open(&path).expect_err("two of one name").to_string();
    assert!(text.contains("tensor output_norm.weight: found twice"), "{text}");
    // The offset of the second tensor follows its name, the number of its sizes and one size.
    let name = b"output_norm.weight";
    let at = bytes.windows(name.len()).position(|window| window == name).expect("it is there");
    let at = at + name.len() + 4 + 8 + 4;
    tensors.pop();
    let mut bytes = models::gguf(3, &pairs, &tensors);
    bytes[at..at + 8].copy_from_slice(&0_u64.to_le_bytes());
    std::fs::write(&path, &bytes).expect("writes");
    let text = GgufFile::open(&path).expect_err("they overlap").to_string();
    assert!(text.contains("tensor output_norm.weight: found offset 0, expected 64"), "{text}");
}

/// A folder whose config says that the head is the embedding, with a stored head of these numbers.
fn tied(folder: &Path, head: Option<f32>) {
    let mut config = models::config();
    config["tie_word_embeddings"] = json!(true);
    std::fs::write(folder.join("config.json"), config.to_string()).expect("writes");
    let mut tensors = models::tensors();
    tensors.retain(|(name, _)| head.is_some() || name != "output.weight");
    let write = weights::WriteConfig::new(internlm_model::config::DType::F32);
    weights::write_folder(folder, &tensors, &write, &mut |name| {
        let (_, shape) = tensors.iter().find(|(other, _)| other == name).expect("a tensor of the list");
        let value = if name == "output.weight" { head.unwrap_or(0.0) } else { 0.5 };
        Ok(vec![value; shape.iter().product()])
    })
    .expect("writes");
}

#[test]
fn a_stored_head_that_differs_from_the_embedding_is_used() {
    let folder = tempfile::tempdir().expect("temporary folder");
    for (head, is_tied) in [(None, true), (Some(0.5), true), (Some(0.25), false)] {
        tied(folder.path(), head);
        let (config, source) = weights::open(folder.path()).expect("opens");
        assert_eq!(config.tied, is_tied, "{head:?}");
        assert_eq!(source.info("output.weight").is_some(), !is_tied, "{head:?}");
        let stored = weights::open_stored(folder.path()).expect("opens");
        assert_eq!(stored.config, config);
        assert_eq!(
            stored.notes.iter().filter(|note| note.contains("output.weight")).count(),
            usize::from(!is_tied)
        );
    }
}

#[test]
fn tensors_of_an_internevo_checkpoint_that_nobody_reads_are_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    models::write(folder.path());
    let checkpoint = folder.path().join("internevo");
    let layout = Layout { tensor_parallel: 1, order: RowOrder::HalfSplit };
    let options = ConvertConfig::new(Target::InternEvo(layout));
    weights::convert(folder.path(), &checkpoint, &options, &()).expect("converts");
    weights::open(&checkpoint).expect("opens");
    let path = checkpoint.join("model_tp0_pp0.pt");
    let file = TorchFile::open(&path).expect("opens");
    let mut tensors: Vec<(String, TensorInfo)> = Vec::new();
    for name in file.names() {
        let info = file.info(&name).expect("a tensor of the file");
        tensors.push((name, info));
    }
    for (extra, is_refused) in
        [("layers.0.attention.q_norm.weight", true), ("scale", true), ("layers.0.rotary_emb.inv_freq", false)]
    {
        let mut tensors = tensors.clone();
        tensors.push((extra.to_owned(), TensorInfo { shape: vec![4], encoding: Encoding::F32 }));
        torch::write_state_dict(&path, &tensors, &mut |name| match name == extra {
            true => Ok(vec![0; 16].into()),
            false => file.read_bytes(name),
        })
        .expect("writes");
        let opened = weights::open(&checkpoint).map(|_| ()).map_err(|error| error.to_string());
        assert_eq!(opened.is_err(), is_refused, "{extra}");
        if let Err(text) = opened {
            assert!(text.contains("tensors that the model does not use: ") && text.contains(extra), "{text}");
        }
    }
}

proptest! {
    /// The crate `safetensors` is the definition of the format.
    #[test]
    fn a_safetensors_file_is_taken_exactly_when_the_format_allows_it(
        sizes in prop::collection::vec(0_usize..4, 1..5),
        (at, shift) in (0_usize..5, -2_isize..3),
        tail in -6_isize..7,
    ) {
        let (mut header, mut offset, mut end) = (Map::new(), 0_usize, 0);
        for (index, size) in sizes.iter().enumerate() {
            let moved = if index == at { shift } else { 0 };
            let from = offset.saturating_add_signed(4 * moved);
            let to = from + 4 * size;
            let tensor = json!({"dtype": "F32", "shape": [size], "data_offsets": [from, to]});
            header.insert(format!("t{index}"), tensor);
            offset += 4 * size;
            end = end.max(to);
        }
        let header = serde_json::Value::Object(header).to_string();
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + end.saturating_add_signed(tail), 0);
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, &bytes).expect("writes");
        prop_assert_eq!(SafetensorsFile::open(&path).is_ok(), SafeTensors::deserialize(&bytes).is_ok());
    }
}
