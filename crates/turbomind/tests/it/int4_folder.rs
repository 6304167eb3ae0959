//! Hugging Face folders quantized to 4 bits (AWQ, GPTQ with `desc_act`) give the logits of their dequantized weights.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::testing::TestRng;
use internlm_model::weights::{Encoding, TensorInfo, write_stored_folder};
use serde_json::{Value, json};
use turbomind::{Compute, Engine, EngineConfig, LogitEntries, LogitRows, Outputs, SeqStep};

const HIDDEN: usize = 256;
const INTER: usize = 512;
const VOCAB: usize = 96;
const GROUP: usize = 128;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Method {
    Awq,
    Gptq,
}

/// Tensors by name: shape, encoding, bytes.
type Tensors = BTreeMap<String, (Vec<usize>, Encoding, Vec<u8>)>;

/// The quantized folder's tensors and those of the same model in f32.
struct Pair {
    quantized: Tensors,
    plain: Tensors,
    rng: TestRng,
    zeros: Zeros,
}

/// The zero points of a folder, and what GPTQ's tensors hold of them.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Zeros {
    /// Any; GPTQ stores them less one.
    Any,
    /// 8 everywhere; GPTQ stores this number.
    Eight(u32),
}

impl Pair {
    fn random(&mut self) -> u32 {
        self.rng.bits() as u32 >> 1
    }

    fn floats(&mut self, name: &str, shape: &[usize], size: f32) {
        let count = shape.iter().product::<usize>();
        let bytes: Vec<u8> = (0..count)
            .flat_map(|_| {
                let norm = shape.len() == 1;
                let x = (self.random() % 2001) as f32 / 1000.0 - 1.0;
                (if norm { 1.0 + 0.1 * x } else { size * x }).to_le_bytes()
            })
            .collect();
        for tensors in [&mut self.quantized, &mut self.plain] {
            tensors.insert(name.to_owned(), (shape.to_vec(), Encoding::F32, bytes.clone()));
        }
    }

    /// A matrix of 4 bits; input k belongs to group `groups[k]`.
    fn matrix(&mut self, prefix: &str, [n, k]: [usize; 2], method: Method, groups: &[usize]) {
        let count = k / GROUP;
        let q: Vec<u32> = (0..n * k).map(|_| self.random() % 16).collect();
        let z: Vec<u32> = (0..n * count).map(|_| 1 + self.random() % 15).collect();
        let (z, stored) = match self.zeros {
            Zeros::Any => (z.clone(), z.iter().map(|z| z - 1).collect()),
            Zeros::Eight(stored) => (vec![8; n * count], vec![stored; n * count]),
        };
        let size = 1.0 / (8.0 * (k as f32).sqrt());
        let s: Vec<half::f16> =
            (0..n * count).map(|_| half::f16::from_f32(size * (1 + self.random() % 4) as f32)).collect();
        let weights = (0..n * k).flat_map(|place| {
            let (output, input) = (place / k, place % k);
            let cell = groups[input] * n + output;
            ((q[place] as f32 - z[cell] as f32) * s[cell].to_f32()).to_le_bytes()
        });
        self.plain.insert(format!("{prefix}.weight"), (vec![n, k], Encoding::F32, weights.collect()));

        let words = |count: usize, nibble: &dyn Fn(usize, usize) -> u32| -> Vec<u8> {
            let word = |word| (0..8).fold(0, |bits: u32, i| bits | nibble(word, i) << (4 * i));
            (0..count).flat_map(|index| word(index).to_le_bytes()).collect()
        };
        let order = [0, 2, 4, 6, 1, 3, 5, 7];
        let (shape, qweight, qzeros) = match method {
            Method::Awq => (
                vec![k, n / 8],
                words(k * n / 8, &|word, i| q[(word % (n / 8) * 8 + order[i]) * k + word / (n / 8)]),
                words(count * n / 8, &|word, i| z[word / (n / 8) * n + word % (n / 8) * 8 + order[i]]),
            ),
            Method::Gptq => (
                vec![k / 8, n],
                words(k / 8 * n, &|word, i| q[word % n * k + word / n * 8 + i]),
                words(count * n / 8, &|word, i| stored[word * 8 + i]),
            ),
        };
        let scales = s.iter().flat_map(|scale| scale.to_le_bytes()).collect();
        let mut add = |name: &str, shape: Vec<usize>, encoding, bytes| {
            self.quantized.insert(format!("{prefix}.{name}"), (shape, encoding, bytes));
        };
        add("qweight", shape, Encoding::I32, qweight);
        add("qzeros", vec![count, n / 8], Encoding::I32, qzeros);
        add("scales", vec![count, n], Encoding::F16, scales);
        if method == Method::Gptq {
            let bytes = groups.iter().flat_map(|group| (*group as i32).to_le_bytes()).collect();
            add("g_idx", vec![k], Encoding::I32, bytes);
        }
    }

    fn new(method: Method, zeros: Zeros) -> Self {
        let (quantized, plain) = (BTreeMap::new(), BTreeMap::new());
        let mut pair = Self { quantized, plain, rng: TestRng::new(7), zeros };
        pair.floats("model.embed_tokens.weight", &[VOCAB, HIDDEN], 1.0);
        pair.floats("lm_head.weight", &[VOCAB, HIDDEN], 0.1);
        pair.floats("model.norm.weight", &[HIDDEN], 1.0);
        for layer in 0..2 {
            let name = |inner: &str| format!("model.layers.{layer}.{inner}");
            for norm in ["input_layernorm.weight", "post_attention_layernorm.weight"] {
                pair.floats(&name(norm), &[HIDDEN], 1.0);
            }
            let attention = pair.groups(HIDDEN, method);
            for (inner, rows) in [("q_proj", HIDDEN), ("k_proj", HIDDEN / 2), ("v_proj", HIDDEN / 2)] {
                pair.matrix(&name(&format!("self_attn.{inner}")), [rows, HIDDEN], method, &attention);
            }
            let output = pair.groups(HIDDEN, method);
            pair.matrix(&name("self_attn.o_proj"), [HIDDEN, HIDDEN], method, &output);
            let up = pair.groups(HIDDEN, method);
            for inner in ["gate_proj", "up_proj"] {
                pair.matrix(&name(&format!("mlp.{inner}")), [INTER, HIDDEN], method, &up);
            }
            let down = pair.groups(INTER, method);
            pair.matrix(&name("mlp.down_proj"), [HIDDEN, INTER], method, &down);
        }
        pair
    }

    /// The group of each input: in order, or shuffled as `desc_act` leaves them.
    fn groups(&mut self, k: usize, method: Method) -> Vec<usize> {
        let mut groups: Vec<usize> = (0..k).map(|input| input / GROUP).collect();
        if method == Method::Gptq {
            for place in (1..k).rev() {
                groups.swap(place, self.random() as usize % (place + 1));
            }
        }
        groups
    }
}

/// What a quantizer writes about matrices with any zero points.
fn settings(method: Method) -> Value {
    match method {
        Method::Awq => json!({
            "quant_method": "awq", "bits": 4, "group_size": GROUP, "version": "gemm", "zero_point": true,
        }),
        Method::Gptq => json!({
            "quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": true, "sym": false,
        }),
    }
}

/// Writes a folder; the settings of a quantizer are `null` for plain weights.
fn write(folder: &Path, tensors: &Tensors, settings: &Value) {
    let config = json!({
        "architectures": ["LlamaForCausalLM"], "hidden_size": HIDDEN, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": INTER, "vocab_size": VOCAB,
        "rms_norm_eps": 1e-5, "rope_theta": 1e4, "max_position_embeddings": 128, "tie_word_embeddings": false,
        "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32", "quantization_config": settings,
    });
    std::fs::write(folder.join("config.json"), config.to_string()).expect("writes");
    let info = |shape: &[usize], encoding| TensorInfo { shape: shape.to_vec(), encoding };
    let stored: Vec<_> =
        tensors.iter().map(|(name, (shape, encoding, _))| (name.clone(), info(shape, *encoding))).collect();
    write_stored_folder(folder, &stored, u64::MAX, &mut |name| Ok(tensors[name].2.clone())).expect("writes");
}

fn logits(folder: &Path, compute: Compute) -> Vec<f32> {
    let config = EngineConfig::new().with_compute(compute).with_kv_blocks(4);
    let mut engine = Engine::load(folder, &config).expect("loads");
    let tokens: Vec<u32> = (0..40).map(|i| i * 7 % VOCAB as u32).collect();
    let step = SeqStep::new(&tokens, 0, &[2, 0]).with_logits(LogitRows::All);
    let mut outputs = Outputs::default();
    engine.forward(&[step], LogitEntries::All, &mut outputs).expect("a pass");
    outputs.logits
}

#[test]
fn quantized_folders_give_the_logits_of_their_weights() {
    for method in [Method::Awq, Method::Gptq] {
        let pair = Pair::new(method, Zeros::Any);
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        write(folders[0].path(), &pair.plain, &Value::Null);
        write(folders[1].path(), &pair.quantized, &settings(method));
        let expected = logits(folders[0].path(), Compute::F32);
        let norm = |values: &mut dyn Iterator<Item = f32>| values.map(|x| x * x).sum::<f32>().sqrt();
        for (compute, bound) in [(Compute::F32, 1e-5), (Compute::Int8, 0.05)] {
            let found = logits(folders[1].path(), compute);
            let error = norm(&mut expected.iter().zip(&found).map(|(a, b)| a - b));
            let share = error / norm(&mut expected.iter().copied());
            assert!(share <= bound, "{method:?} {compute:?}: {share}");
        }
    }
}

/// The largest difference between the logits of a quantized folder and those of its weights, in f32.
fn error(pair: &Pair, quantized: &Path) -> f32 {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &pair.plain, &Value::Null);
    let (expected, found) = (logits(folder.path(), Compute::F32), logits(quantized, Compute::F32));
    expected.iter().zip(&found).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn symmetric_gptq_is_right_under_any_label() {
    // The first form of the format stores 7 for a zero point of 8, the second one 8.
    for stored in [7, 8] {
        let pair = Pair::new(Method::Gptq, Zeros::Eight(stored));
        for label in [json!("gptq"), json!("gptq_v2"), Value::Null] {
            for sym in [json!(true), Value::Null] {
                let mut settings = settings(Method::Gptq);
                settings["checkpoint_format"] = label.clone();
                settings["sym"] = sym.clone();
                let folder = tempfile::tempdir().expect("a folder");
                write(folder.path(), &pair.quantized, &settings);
                let error = error(&pair, folder.path());
                assert!(error < 1e-4, "{stored} stored, labelled {label}, sym {sym}: {error}");
            }
        }
    }
}

#[test]
fn settings_that_contradict_the_tensors_are_refused() {
    let pair = Pair::new(Method::Gptq, Zeros::Any);
    for (key, value, expected) in [
        ("sym", json!(true), "sym: says that all zero points are 8"),
        ("group_size", json!(64), "bits and group_size: found groups of 64 of 4 bits"),
        ("bits", json!(8), "bits: found 8, expected 4"),
        ("desc_act", json!("yes"), "desc_act: found \"yes\", expected true or false"),
    ] {
        let mut settings = settings(Method::Gptq);
        settings[key] = value;
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &pair.quantized, &settings);
        let text = Engine::load(folder.path(), &EngineConfig::new()).expect_err("refused").to_string();
        assert!(text.contains(&format!("config.json: quantization_config: {expected}")), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}

#[test]
fn settings_beside_the_config_are_found() {
    for (method, file) in [
        (Method::Gptq, "quantize_config.json"),
        (Method::Awq, "quant_config.json"),
        (Method::Awq, "quantize_config.json"),
    ] {
        let beside = match method {
            Method::Awq => json!({"w_bit": 4, "q_group_size": GROUP, "zero_point": true, "version": "GEMM"}),
            Method::Gptq => json!({
                "bits": 4, "group_size": GROUP, "desc_act": true, "sym": false, "damp_percent": 0.01,
                "true_sequential": true, "model_name_or_path": null, "model_file_base_name": null,
            }),
        };
        let pair = Pair::new(method, Zeros::Any);
        let folder = tempfile::tempdir().expect("a folder");
        write(folder.path(), &pair.quantized, &Value::Null);
        let text = Engine::load(folder.path(), &EngineConfig::new()).expect_err("refused").to_string();
        assert!(
            text.contains("quantized weights (GPTQ or AWQ) without their settings: 14 tensors"),
            "{text}"
        );
        assert_eq!(text.lines().count(), 1, "{text}");
        std::fs::write(folder.path().join(file), beside.to_string()).expect("writes");
        assert!(error(&pair, folder.path()) < 1e-4, "{method:?} in {file}");
    }
}

#[test]
fn a_bias_of_zeros_changes_nothing_and_another_one_is_refused() {
    let mut pair = Pair::new(Method::Gptq, Zeros::Any);
    let folder = tempfile::tempdir().expect("a folder");
    let mut write_bias = |value: f32| {
        let bytes: Vec<u8> = [value; HIDDEN].iter().flat_map(|value| value.to_le_bytes()).collect();
        let name = "model.layers.1.self_attn.o_proj.bias".to_owned();
        pair.quantized.insert(name, (vec![HIDDEN], Encoding::F32, bytes));
        write(folder.path(), &pair.quantized, &settings(Method::Gptq));
        Engine::load(folder.path(), &EngineConfig::new().with_kv_blocks(4))
    };
    assert!(write_bias(0.0).is_ok());
    let text = write_bias(0.5).expect_err("refused").to_string();
    assert!(text.contains("does not use: model.layers.1.self_attn.o_proj.bias"), "{text}");
}
