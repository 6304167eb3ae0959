//! The CPU core behind the engine: beside the decoder on Burn, alone or in a batch, with every format of the cache.

use internlm_kit::config::Validate;
use internlm_model::decoder::Decoder;
use internlm_model::sampling::SamplingConfig;
use internlm_model::{ModelConfig, TokenId};
use lmdeploy::cache::{BlockId, CacheSize};
use lmdeploy::config::{Backend, DeployConfig, ModelTable};
use lmdeploy::engine::{
    Batch, BurnExecutor, Engine, EngineConfig, Executor, ExecutorConfig, GenerateRequest, Generation,
    LogitsWanted, Output, QuantPolicy, RequestId, Row, RowsWanted, SchedulerConfig, SeqStep,
    TurbomindExecutor,
};

const VOCAB: usize = 300;

/// A randomly initialized model in a folder.
struct Made {
    dir: tempfile::TempDir,
}

impl Made {
    fn new() -> Self {
        let config: ModelConfig = serde_json::from_value(serde_json::json!({
            "hidden": 64, "layers": 2, "heads": 4, "kv-heads": 2, "inter": 160, "vocab": VOCAB, "max-position": 128,
        }))
        .expect("a config");
        let device = internlm_model::device::parse("cpu").expect("the CPU");
        let dir = tempfile::tempdir().expect("a folder");
        Decoder::init(&config, 3, &device).save(&config, dir.path()).expect("saves");
        Self { dir }
    }

    fn turbomind(&self, limits: &ExecutorConfig) -> TurbomindExecutor {
        TurbomindExecutor::load(self.dir.path(), limits).expect("loads").1
    }

    fn burn(&self) -> BurnExecutor {
        BurnExecutor::load(self.dir.path(), "cpu", &ExecutorConfig::default()).expect("loads").1
    }
}

fn prompt(seed: u32, length: u32) -> Vec<TokenId> {
    (0..length).map(|i| TokenId((seed * 31 + i * 17 + i * i) % VOCAB as u32)).collect()
}

fn step(id: u64, tokens: &[TokenId], position: usize, blocks: &[u32]) -> SeqStep {
    SeqStep {
        id: RequestId(id),
        tokens: tokens.to_vec(),
        position,
        rope_len: position + tokens.len(),
        blocks: blocks.iter().copied().map(BlockId).collect(),
        logits: LogitsWanted::All,
    }
}

/// Two sequences in chunks over scattered blocks.
fn batches() -> [Batch; 2] {
    let (a, b) = (prompt(1, 40), prompt(2, 21));
    let first = vec![step(0, &a[..23], 0, &[9, 2]), step(1, &b[..3], 0, &[4])];
    let second = vec![step(1, &b[3..], 3, &[4, 0]), step(0, &a[23..], 23, &[9, 2, 7])];
    [first, second].map(|steps| Batch { steps, rows: RowsWanted::Whole })
}

fn rows(executor: &mut dyn Executor) -> Vec<Vec<f32>> {
    let logits = batches().map(|batch| executor.step(&batch).expect("computes"));
    let whole = |row: Row<'_>| row.whole().expect("asked for").to_vec();
    logits.iter().flat_map(|logits| logits.rows().map(whole)).collect()
}

#[test]
fn logits_are_those_of_the_decoder() {
    let made = Made::new();
    let found = rows(&mut made.turbomind(&ExecutorConfig::default()));
    let expected = rows(&mut made.burn());
    assert_eq!(found.len(), 61);
    let largest = expected.iter().flatten().fold(0.0, |most: f32, logit| most.max(logit.abs()));
    let differences = found.iter().flatten().zip(expected.iter().flatten()).map(|(a, b)| (a - b).abs());
    let off = differences.fold(0.0, f32::max) / largest;
    // Keys and values are f16, activations bf16 or twice that; the decoder's are f32.
    assert!(off < 1e-2, "off by {off} of the largest logit {largest}");
}

#[test]
fn best_entries_are_those_of_the_rows() {
    let made = Made::new();
    let mut executor = made.turbomind(&ExecutorConfig::default());
    let [batch, _] = batches();
    let whole = executor.step(&batch).expect("computes");
    let best = executor.step(&Batch { rows: RowsWanted::Best(7), ..batch.clone() }).expect("computes");
    assert_eq!((whole.len(), best.len()), (26, 26));
    assert!(whole.serves(RowsWanted::Whole) && !best.serves(RowsWanted::Whole));
    for (whole, best) in whole.rows().zip(best.rows()) {
        let row = whole.whole().expect("asked for");
        let mut expected: Vec<(TokenId, f32)> = (0..).map(TokenId).zip(row.iter().copied()).collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        assert_eq!(best, Row::Best(&expected[..7]));
    }
    let more = RowsWanted::best(Some(RowsWanted::MOST_BEST + 1));
    assert_eq!((more, RowsWanted::Best(60).beside(5)), (RowsWanted::Whole, RowsWanted::Whole));
}

fn collect(mut generation: Generation) -> Vec<TokenId> {
    let mut ids = Vec::new();
    while let Some(output) = generation.wait() {
        if let Output::Pieces(pieces) = output {
            ids.extend(pieces.iter().map(|piece| piece.id));
        }
    }
    ids
}

#[derive(Clone, Copy)]
enum Order {
    Together,
    OneByOne,
}

/// Forty ids after each of eight prompts.
fn generate(executor: impl Executor + 'static, request: &GenerateRequest, order: Order) -> Vec<Vec<TokenId>> {
    let scheduler = SchedulerConfig::new(&executor.capacity());
    let engine = Engine::start(Box::new(executor), EngineConfig { scheduler, tokenizer: None, seed: 0 });
    let submit = |i| {
        engine.handle().submit(GenerateRequest {
            prompt: prompt(i, 5 + 7 * i),
            max_new: 40,
            ..request.clone()
        })
    };
    match order {
        Order::Together => (0..8).map(submit).collect::<Vec<_>>().into_iter().map(collect).collect(),
        Order::OneByOne => (0..8).map(|i| collect(submit(i))).collect(),
    }
}

#[test]
fn greedy_ids_are_those_of_the_decoder() {
    let made = Made::new();
    let greedy = GenerateRequest::new(Vec::new());
    let expected = generate(made.burn(), &greedy, Order::Together);
    assert_eq!(generate(made.turbomind(&ExecutorConfig::default()), &greedy, Order::Together), expected);
    assert!(expected.iter().all(|ids| ids.len() == 40));
}

#[test]
fn ids_do_not_depend_on_neighbors_chunks_preemption_or_threads() {
    let made = Made::new();
    let sampled = SamplingConfig { temperature: 1.0, top_k: Some(50), seed: 7, ..SamplingConfig::greedy() };
    let request = GenerateRequest { sampling: sampled, ..GenerateRequest::new(Vec::new()) };
    for quant_policy in [QuantPolicy::Float, QuantPolicy::Int8, QuantPolicy::Int4] {
        let roomy = ExecutorConfig { quant_policy, ..ExecutorConfig::default() };
        let alone = generate(made.turbomind(&roomy), &request, Order::OneByOne);
        let chunked = ExecutorConfig { max_batch_size: 4, max_prefill_token_num: 9, ..roomy.clone() };
        let tight = ExecutorConfig { cache_max_entry_count: CacheSize::Blocks(9), ..roomy.clone() };
        let threads = ExecutorConfig { threads: Some(3), ..roomy.clone() };
        for limits in [roomy, chunked, tight, threads] {
            assert_eq!(generate(made.turbomind(&limits), &request, Order::Together), alone, "{limits:?}");
        }
    }
}

#[test]
fn smaller_numbers_make_smaller_caches() {
    let made = Made::new();
    let bytes = [QuantPolicy::Float, QuantPolicy::Int8, QuantPolicy::Int4].map(|quant_policy| {
        let limits = ExecutorConfig {
            quant_policy,
            cache_max_entry_count: CacheSize::Blocks(10),
            ..ExecutorConfig::default()
        };
        made.turbomind(&limits).capacity().cache_bytes
    });
    // Per token: 2 layers, keys and values, 2 heads of 16; 4 bits take 32 dimensions at a time.
    assert_eq!(bytes, [10 * 16 * 256, 10 * 16 * 160, 10 * 16 * 160]);
}

#[test]
fn limits_that_are_not_possible_are_errors() {
    let made = Made::new();
    let fails = |limits: &ExecutorConfig| {
        let error = TurbomindExecutor::load(made.dir.path(), limits).expect_err("a bad limit");
        assert!(error.is_bad_input(), "{error}");
        error.to_string()
    };
    let found = fails(&ExecutorConfig { session_len: Some(129), ..ExecutorConfig::default() });
    assert!(found.contains("session-len: found 129, expected at most 128"), "{found}");
    let found = fails(&ExecutorConfig { cache_block_seq_len: 24, ..ExecutorConfig::default() });
    assert!(found.contains("found 24") && found.contains("multiple of 16"), "{found}");
}

#[test]
fn the_backend_follows_the_device_unless_it_is_named() {
    let table =
        |device: &str, backend| ModelTable { device: device.to_owned(), backend, ..ModelTable::new("m") };
    assert_eq!(table("cpu", None).chosen_backend(), Backend::Turbomind);
    assert_eq!(table("cuda:0", None).chosen_backend(), Backend::Burn);
    assert_eq!(table("vulkan:1", None).chosen_backend(), Backend::Burn);
    assert_eq!(table("cpu", Some(Backend::Burn)).chosen_backend(), Backend::Burn);
    let parse = |text: &str| internlm_kit::config::parse::<DeployConfig>(text, "d.toml");
    let model = "[model]\npath = \"m\"\n";
    for (name, backend) in
        [("turbomind", Backend::Turbomind), ("burn", Backend::Burn), ("pytorch", Backend::Burn)]
    {
        let config = parse(&format!("{model}backend = \"{name}\"")).expect("a backend");
        assert_eq!(config.model.backend, Some(backend));
    }
    let config = parse(&format!("{model}[engine]\nquant-policy = 4\nthreads = 2")).expect("of turbomind");
    assert_eq!((config.engine.quant_policy, config.engine.threads), (QuantPolicy::Int4, Some(2)));
    for (rest, words) in [
        ("backend = \"turbomind\"\ndevice = \"cuda:0\"", ["turbomind", "cuda:0"]),
        ("backend = \"burn\"\n[engine]\nquant-policy = 8", ["quant-policy", "burn"]),
        ("device = \"cuda:0\"\n[engine]\nthreads = 2", ["engine.threads", "burn"]),
        ("[engine]\nquant-policy = 3", ["found 3", "0, 8 or 4"]),
        ("[engine]\ncache-block-seq-len = 144", ["found 144", "up to 128"]),
    ] {
        let error = match parse(&format!("{model}{rest}")) {
            Ok(config) => config.problems().join("; "),
            Err(error) => error.to_string(),
        };
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}
