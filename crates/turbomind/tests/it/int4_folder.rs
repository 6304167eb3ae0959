//! Hugging Face folders quantized to 4 bits (AWQ, GPTQ with `desc_act`) give the logits of their dequantized weights.

use std::collections::BTreeMap;
use std::path::Path;

use internlm_kit::testing::TestRng;
use internlm_model::weights::{Encoding, TensorInfo, write_stored_folder};
use serde_json::json;
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
                words(count * n / 8, &|word, i| z[word * 8 + i] - 1),
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

    fn new(method: Method) -> Self {
        let mut pair = Self { quantized: BTreeMap::new(), plain: BTreeMap::new(), rng: TestRng::new(7) };
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

fn write(folder: &Path, tensors: &Tensors, method: Option<Method>) {
    let mut config = json!({
        "architectures": ["LlamaForCausalLM"], "hidden_size": HIDDEN, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": INTER, "vocab_size": VOCAB,
        "rms_norm_eps": 1e-5, "rope_theta": 1e4, "max_position_embeddings": 128, "tie_word_embeddings": false,
        "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32",
    });
    match method {
        Some(Method::Awq) => {
            config["quantization_config"] = json!({
                "quant_method": "awq", "bits": 4, "group_size": GROUP, "version": "gemm", "zero_point": true,
            });
        }
        Some(Method::Gptq) => {
            config["quantization_config"] = json!({
                "quant_method": "gptq", "bits": 4, "group_size": GROUP, "desc_act": true, "sym": false,
            });
        }
        None => {}
    }
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
        let pair = Pair::new(method);
        let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
        write(folders[0].path(), &pair.plain, None);
        write(folders[1].path(), &pair.quantized, Some(method));
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
