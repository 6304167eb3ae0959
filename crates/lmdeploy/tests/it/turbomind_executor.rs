//! The CPU core behind the engine: compared with the decoder on Burn, alone and in batches, with every cache format.

use internlm_kit::exit::BadInput;
use internlm_model::decoder::Decoder;
use internlm_model::sampling::SamplingConfig;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use lmdeploy::config::{Backend, DeployConfig, ServedModelConfig};
use lmdeploy::engine::{
    Batch, BlockCopy, BlockId, BurnExecutor, CacheSize, Engine, EngineConfig, Executor, ExecutorConfig,
    GenerateRequest, Generation, LogitsDetail, LogitsWanted, Output, QuantPolicy, RequestId, Row,
    SchedulerConfig, SequencePart, SleepLevel, SleepPart, TurbomindExecutor,
};

const VOCAB: usize = 300;

/// A randomly initialized model in a folder.
struct Made {
    dir: tempfile::TempDir,
}

fn config(layers: usize) -> ModelConfig {
    let size = ModelSize { hidden: 64, layers, heads: 4, inter: 160, vocab: VOCAB };
    ModelConfig::new(size).with_kv_heads(2).with_max_position(128)
}

impl Made {
    fn new() -> Self {
        Self::seeded(3)
    }

    fn seeded(seed: u64) -> Self {
        let made = Self { dir: tempfile::tempdir().expect("a folder") };
        made.save(&config(2), seed);
        made
    }

    /// Puts other weights in place of those that are there.
    fn save(&self, config: &ModelConfig, seed: u64) {
        let device = internlm_model::device::parse("cpu").expect("the CPU");
        Decoder::init(config, seed, &device).save(self.dir.path()).expect("saves");
    }

    fn turbomind(&self, limits: &ExecutorConfig) -> TurbomindExecutor {
        TurbomindExecutor::load(self.dir.path(), limits).expect("loads")
    }

    fn burn(&self) -> BurnExecutor {
        BurnExecutor::load(self.dir.path(), "cpu", &ExecutorConfig::default()).expect("loads")
    }
}

fn prompt(seed: u32, length: u32) -> Vec<TokenId> {
    (0..length).map(|i| TokenId((seed * 31 + i * 17 + i * i) % VOCAB as u32)).collect()
}

fn step(id: u64, tokens: &[TokenId], position: usize, blocks: &[u32]) -> SequencePart {
    SequencePart {
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
    [first, second].map(|steps| Batch { steps, ..Batch::default() })
}

fn rows(executor: &mut dyn Executor) -> Vec<Vec<f32>> {
    let logits = batches().map(|batch| executor.step(&batch).expect("computes"));
    let whole = |row: Row<'_>| row.full().expect("asked for").to_vec();
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
    let best = executor.step(&Batch { detail: LogitsDetail::Top(7), ..batch.clone() }).expect("computes");
    assert_eq!((whole.len(), best.len()), (26, 26));
    assert!(whole.serves(LogitsDetail::Full) && !best.serves(LogitsDetail::Full));
    for (whole, best) in whole.rows().zip(best.rows()) {
        let row = whole.full().expect("asked for");
        let mut expected: Vec<(TokenId, f32)> = (0..).map(TokenId).zip(row.iter().copied()).collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        assert_eq!(best, Row::Top(&expected[..7]));
    }
    let many = executor.step(&Batch { detail: LogitsDetail::Top(VOCAB), ..batch }).expect("computes");
    assert_eq!(many, whole, "where finding the largest would not pay, full rows come");
}

/// A sequence whose first block is shared and whose second one begins as a copy has the bits of one that computes all.
#[test]
fn shared_and_copied_blocks_give_the_same_bits() {
    let made = Made::new();
    let ids = prompt(1, 32);
    let other: Vec<TokenId> = [&ids[..27], &prompt(2, 9)[..]].concat();
    for quant_policy in [QuantPolicy::Float, QuantPolicy::Int8, QuantPolicy::Int4] {
        let mut executor = made.turbomind(&ExecutorConfig::default().with_quant_policy(quant_policy));
        let mut rows = |copies: Vec<BlockCopy>, part: SequencePart| {
            let batch = Batch { copies, steps: vec![part], ..Batch::default() };
            let logits = executor.step(&batch).expect("computes");
            logits.rows().map(|row| row.full().expect("asked for").to_vec()).collect::<Vec<_>>()
        };
        let whole = rows(Vec::new(), step(0, &other, 0, &[7, 8, 6]));
        rows(Vec::new(), step(1, &ids, 0, &[9, 2]));
        let copies = vec![BlockCopy { from: BlockId(2), to: BlockId(5), tokens: 11 }];
        let found = rows(copies, step(2, &other[27..], 27, &[9, 5, 0]));
        assert_eq!(found, whole[27..], "{quant_policy:?}");
    }
}

#[test]
fn ids_do_not_depend_on_the_prefix_cache_or_on_siblings() {
    let made = Made::new();
    let request = GenerateRequest::new(Vec::new()).with_group(1);
    // Four prompts that begin alike, each of them four times.
    let prompts: Vec<Vec<TokenId>> =
        (0..16).map(|i| [&prompt(9, 37)[..], &prompt(i % 4, 6)[..]].concat()).collect();
    let generate = |change: fn(SchedulerConfig) -> SchedulerConfig, order: Order| {
        let executor = made.turbomind(&ExecutorConfig::default());
        let scheduler = change(SchedulerConfig::new(&executor.capacity()));
        let engine = Engine::start(Box::new(executor), EngineConfig::new(scheduler));
        let submit = |prompt: &Vec<TokenId>| {
            let mut request = request.clone().with_max_new(40);
            request.prompt.clone_from(prompt);
            engine.handle().submit(request)
        };
        let ids: Vec<Vec<TokenId>> = match order {
            Order::Together => {
                let running: Vec<Generation> = prompts.iter().map(submit).collect();
                running.into_iter().map(collect).collect()
            }
            Order::OneByOne => prompts.iter().map(|prompt| collect(submit(prompt))).collect(),
        };
        (ids, engine.handle().gauges().stats().prefix_hit_tokens)
    };
    let (alone, hits) = generate(SchedulerConfig::without_prefix_caching, Order::OneByOne);
    assert_eq!(hits, 0, "nothing is kept and nothing runs at the same time");
    for order in [Order::OneByOne, Order::Together] {
        let (ids, hits) = generate(|config| config, order);
        assert_eq!(ids, alone);
        assert!(hits > 0, "prompts are shared");
    }
    let (ids, hits) = generate(SchedulerConfig::without_prefix_caching, Order::Together);
    assert_eq!(ids, alone);
    assert!(hits > 0, "the prompts of a group are shared while they run");
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
    let engine = Engine::start(Box::new(executor), EngineConfig::new(scheduler));
    let submit = |i| {
        let mut request = request.clone().with_max_new(40);
        request.prompt = prompt(i, 5 + 7 * i);
        engine.handle().submit(request)
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
    let sampled = SamplingConfig::greedy().with_temperature(1.0).with_top_k(50).with_seed(7);
    let request = GenerateRequest::new(Vec::new()).with_sampling(sampled);
    for quant_policy in [QuantPolicy::Float, QuantPolicy::Int8, QuantPolicy::Int4] {
        let roomy = ExecutorConfig::default().with_quant_policy(quant_policy);
        let alone = generate(made.turbomind(&roomy), &request, Order::OneByOne);
        let chunked = roomy.clone().with_max_batch_size(4).with_max_prefill_token_num(9);
        let tight = roomy.clone().with_cache_size(CacheSize::Blocks(9));
        let threads = roomy.clone().with_threads(3);
        for limits in [roomy, chunked, tight, threads] {
            assert_eq!(generate(made.turbomind(&limits), &request, Order::Together), alone, "{limits:?}");
        }
    }
}

/// Steps that want hidden states, in chunks and next to one that wants logits.
fn hidden_batches() -> [Batch; 2] {
    let wanting = |logits, part: SequencePart| SequencePart { logits, ..part };
    let [first, second] = batches();
    let [a, b] = <[SequencePart; 2]>::try_from(first.steps).expect("two sequences");
    let first = vec![wanting(LogitsWanted::HiddenAll, a), wanting(LogitsWanted::None, b)];
    let [b, a] = <[SequencePart; 2]>::try_from(second.steps).expect("two sequences");
    let second = vec![wanting(LogitsWanted::HiddenLast, b), wanting(LogitsWanted::All, a)];
    [first, second].map(|steps| Batch { steps, ..Batch::default() })
}

#[test]
fn hidden_states_are_those_of_the_decoder() {
    let made = Made::new();
    let states = |executor: &mut dyn Executor| {
        assert_eq!(executor.hidden_size(), Some(64));
        let [first, second] = hidden_batches().map(|batch| executor.step(&batch).expect("computes"));
        assert_eq!((first.hidden_len(), first.len()), (23, 0));
        assert_eq!((second.hidden_len(), second.len()), (1, 17), "one row of states next to rows of logits");
        let rows = first.hidden_rows().chain(second.hidden_rows());
        rows.flat_map(<[f32]>::to_vec).collect::<Vec<f32>>()
    };
    let found = states(&mut made.turbomind(&ExecutorConfig::default()));
    let expected = states(&mut made.burn());
    assert_eq!((found.len(), expected.len()), (24 * 64, 24 * 64));
    let largest = expected.iter().fold(0.0, |most: f32, state| most.max(state.abs()));
    let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest;
    assert!(off < 1e-2, "off by {off} of the largest state {largest}");
}

/// An engine over a model, with the answers that it gives.
struct Running {
    engine: Engine,
}

impl Running {
    fn start(executor: impl Executor + 'static) -> Self {
        let scheduler = SchedulerConfig::new(&executor.capacity());
        Self { engine: Engine::start(Box::new(executor), EngineConfig::new(scheduler)) }
    }

    /// Twenty ids after the same prompt, and how many of its tokens were cached.
    fn answer(&self) -> (Vec<TokenId>, usize) {
        let mut generation =
            self.engine.handle().submit(GenerateRequest::new(prompt(5, 40)).with_max_new(20));
        let (mut ids, mut cached) = (Vec::new(), 0);
        while let Some(output) = generation.wait() {
            match output {
                Output::Pieces(pieces) => ids.extend(pieces.iter().map(|piece| piece.id)),
                Output::Finished(finished) => cached = finished.cached_tokens,
                Output::Prompt(_) => {}
            }
        }
        (ids, cached)
    }
}

/// What a model answers that nobody has asked anything yet.
fn fresh(made: &Made) -> (Vec<TokenId>, usize) {
    Running::start(made.turbomind(&ExecutorConfig::default())).answer()
}

#[test]
fn after_waking_the_answer_is_the_same() {
    let (made, other) = (Made::new(), Made::seeded(4));
    let (own, others) = (fresh(&made), fresh(&other));
    assert_ne!(own.0, others.0);
    for quant_policy in [QuantPolicy::Float, QuantPolicy::Int8] {
        let limits = ExecutorConfig::default().with_quant_policy(quant_policy);
        let executors: [Box<dyn Executor>; 2] = match quant_policy {
            QuantPolicy::Float => [Box::new(made.turbomind(&limits)), Box::new(made.burn())],
            _ => [Box::new(made.turbomind(&limits)), Box::new(made.turbomind(&limits))],
        };
        for executor in executors {
            let scheduler = SchedulerConfig::new(&executor.capacity());
            let running = Running { engine: Engine::start(executor, EngineConfig::new(scheduler)) };
            let before = running.answer();
            assert_eq!(running.answer().1, 39, "the prompt is cached");
            for level in [SleepLevel::KeepFiles, SleepLevel::ReleaseFiles] {
                running.engine.handle().sleep(level).expect("sleeps");
                for part in SleepPart::ALL {
                    running.engine.handle().wake(&[part]).expect("wakes");
                }
                assert_eq!(running.answer(), before, "{level:?}: the same ids, and nothing was cached");
            }
        }
    }
}

#[test]
fn open_files_bring_the_same_weights_back_and_closed_ones_what_is_there() {
    let (made, other) = (Made::new(), Made::seeded(4));
    let (own, others) = (fresh(&made), fresh(&other));
    let running = Running::start(made.turbomind(&ExecutorConfig::default()));
    let handle = running.engine.handle();
    handle.sleep(SleepLevel::KeepFiles).expect("sleeps");
    made.save(&config(2), 4);
    handle.wake(&SleepPart::ALL).expect("wakes");
    assert_eq!(running.answer(), own);
    handle.sleep(SleepLevel::ReleaseFiles).expect("sleeps");
    handle.wake(&SleepPart::ALL).expect("wakes");
    assert_eq!(running.answer(), others);

    handle.sleep(SleepLevel::ReleaseFiles).expect("sleeps");
    made.save(&config(3), 4);
    let error = handle.wake(&SleepPart::ALL).expect_err("another shape").to_string();
    assert!(error.contains("layers: found 3, expected 2"), "{error}");
    assert_eq!(handle.gauges().asleep(), SleepPart::ALL);
    made.save(&config(2), 3);
    handle.wake(&SleepPart::ALL).expect("wakes");
    assert_eq!(running.answer(), own);
}

#[test]
fn updated_weights_answer_as_a_fresh_engine_does() {
    let (made, other) = (Made::new(), Made::seeded(4));
    let (own, others) = (fresh(&made), fresh(&other));
    let running = Running::start(made.turbomind(&ExecutorConfig::default()));
    let handle = running.engine.handle();
    assert_eq!(running.answer(), own);
    handle.update_weights(other.dir.path()).expect("the same shape");
    assert_eq!(running.answer(), others, "and nothing of the old keys");

    // Whatever is wrong with a model, the weights stay.
    let shape = Made::new();
    shape.save(&config(3), 4);
    let broken = Made::new();
    std::fs::write(broken.dir.path().join("config.json"), "{").expect("writes");
    for (path, words) in [
        (shape.dir.path().to_owned(), "layers: found 3, expected 2"),
        (broken.dir.path().to_owned(), "config.json"),
        (broken.dir.path().join("absent"), "absent"),
    ] {
        let error = handle.update_weights(&path).expect_err(words);
        assert!(error.is_bad_input() && error.to_string().contains(words), "{error}");
    }
    let (ids, cached) = running.answer();
    assert_eq!((ids, cached), (others.0.clone(), 39));

    // Asleep, it wakes with what came last.
    handle.sleep(SleepLevel::KeepFiles).expect("sleeps");
    handle.update_weights(made.dir.path()).expect("the same shape");
    handle.wake(&SleepPart::ALL).expect("wakes");
    assert_eq!(running.answer(), own);
}

#[test]
fn what_runs_is_computed_again_with_updated_weights() {
    let (made, other) = (Made::new(), Made::seeded(4));
    let running = Running::start(made.turbomind(&ExecutorConfig::default()));
    let whole = prompt(6, 30);
    let mut generation = running.engine.handle().submit(GenerateRequest::new(whole.clone()).with_max_new(90));
    let Some(Output::Pieces(first)) = generation.wait() else { panic!("an id comes first") };
    running.engine.handle().update_weights(other.dir.path()).expect("the same shape");
    let ids: Vec<TokenId> = first.iter().map(|piece| piece.id).chain(collect(generation)).collect();
    assert_eq!(ids.len(), 90);
    // From some place on, the ids are those that the new weights give after everything before.
    let continued = Running::start(other.turbomind(&ExecutorConfig::default()));
    let follows = |known: usize| {
        let ids: Vec<TokenId> = whole.iter().chain(&ids[..known]).copied().collect();
        let request = GenerateRequest::new(ids).with_max_new(90 - known);
        collect(continued.engine.handle().submit(request))
    };
    assert!((1..=90).any(|known| follows(known) == ids[known..]), "{ids:?}");
}

#[test]
fn smaller_numbers_make_smaller_caches() {
    let made = Made::new();
    let bytes = [QuantPolicy::Float, QuantPolicy::Int8, QuantPolicy::Int4].map(|quant_policy| {
        let limits =
            ExecutorConfig::default().with_quant_policy(quant_policy).with_cache_size(CacheSize::Blocks(10));
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
    let found = fails(&ExecutorConfig::default().with_session_len(129));
    assert!(found.contains("session-len: found 129, expected at most 128"), "{found}");
    let found = fails(&ExecutorConfig::default().with_cache_block_seq_len(24));
    assert!(found.contains("found 24") && found.contains("multiple of 16"), "{found}");
}

#[test]
fn the_backend_follows_the_device_unless_it_is_named() {
    let table = |device: &str, backend| {
        let mut model = ServedModelConfig::new("m");
        (model.device, model.backend) = (device.to_owned(), backend);
        model
    };
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
    parse(&format!("{model}device = \"cuda:0\"\n[engine]\nquant-policy = 8")).expect("of a GPU");
    for (rest, words) in [
        ("backend = \"turbomind\"\ndevice = \"cuda:0\"", ["turbomind", "cuda:0"]),
        ("backend = \"burn\"\n[engine]\nquant-policy = 8", ["quant-policy", "burn"]),
        ("device = \"cuda:0\"\n[engine]\nthreads = 2", ["engine.threads", "burn"]),
        ("[engine]\nquant-policy = 3", ["found 3", "0, 8 or 4"]),
        ("[engine]\ncache-block-seq-len = 144", ["found 144", "up to 128"]),
    ] {
        let error = parse(&format!("{model}{rest}")).expect_err("refused").to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}
