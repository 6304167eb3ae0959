//! The ids of a request on the CPU core: the same bits alone and among others, with and without the prefix cache, after
//! preemption, for any chunks of the prompt, and for each of several choices.
//!
//! `SMOLLM2_GGUF` names a model file that is looked at in addition to a small random model.

use std::io::Write;
use std::path::{Path, PathBuf};

use internlm_model::decoder::Decoder;
use internlm_model::sampling::SamplingConfig;
use internlm_model::{ModelConfig, ModelSize, TokenId};
use lmdeploy::engine::{
    CacheSize, Engine, EngineConfig, Executor, ExecutorConfig, GenerateRequest, Generation, Output,
    SchedulerConfig, SchedulerStats, TurbomindExecutor,
};

/// Number of requests at the same time.
const REQUESTS: u32 = 32;
/// Number of ids that each of them generates.
const LENGTH: usize = 40;
/// Number of blocks of 16 tokens that do not hold all requests.
const FEW_BLOCKS: usize = 24;

/// A model on the disk.
struct Model {
    path: PathBuf,
    vocab: u32,
    /// Keeps the folder of a random model.
    _dir: Option<tempfile::TempDir>,
}

impl Model {
    fn random() -> Self {
        let size = ModelSize { hidden: 64, layers: 2, heads: 4, inter: 160, vocab: 300 };
        let config = ModelConfig::new(size).with_kv_heads(2).with_max_position(256);
        let device = internlm_model::device::parse("cpu").expect("the CPU");
        let dir = tempfile::tempdir().expect("a folder");
        Decoder::init(&config, 3, &device).save(dir.path()).expect("saves");
        Self { path: dir.path().to_owned(), vocab: 300, _dir: Some(dir) }
    }

    fn given(path: &Path) -> Self {
        let vocab = TurbomindExecutor::load(path, &limits()).expect("loads").capacity().vocab;
        Self { path: path.to_owned(), vocab: vocab as u32, _dir: None }
    }

    /// Request number `number`: every other one is sampled at temperature 1.
    fn request(&self, number: u32) -> GenerateRequest {
        let id = |place: u32| TokenId((number * 31 + place * 17 + place * place) % self.vocab);
        let prompt = (0..5 + number * 13 % 90).map(id).collect();
        let sampling = if number.is_multiple_of(2) { SamplingConfig::greedy() } else { sampled(number) };
        GenerateRequest::new(prompt).with_max_new(LENGTH).with_sampling(sampling)
    }

    fn requests(&self) -> Vec<GenerateRequest> {
        (0..REQUESTS).map(|number| self.request(number)).collect()
    }

    fn start(&self, limits: &ExecutorConfig) -> Engine {
        let executor = TurbomindExecutor::load(&self.path, limits).expect("loads");
        let scheduler = SchedulerConfig::new(&executor.capacity());
        let keeps = limits.enable_prefix_caching;
        let scheduler = if keeps { scheduler } else { scheduler.without_prefix_caching() };
        Engine::start(Box::new(executor), EngineConfig::new(scheduler))
    }
}

fn sampled(seed: u32) -> SamplingConfig {
    SamplingConfig::greedy().with_temperature(1.0).with_seed(seed.into())
}

fn limits() -> ExecutorConfig {
    ExecutorConfig::default().with_cache_size(CacheSize::Blocks(1024)).with_session_len(256)
}

fn collect(mut generation: Generation) -> Vec<TokenId> {
    let mut ids = Vec::new();
    while let Some(output) = generation.wait() {
        if let Output::Pieces(pieces) = output {
            ids.extend(pieces.iter().map(|piece| piece.id));
        }
    }
    assert_eq!(ids.len(), LENGTH);
    ids
}

fn one_by_one(engine: &Engine, requests: &[GenerateRequest]) -> Vec<Vec<TokenId>> {
    requests.iter().map(|request| collect(engine.handle().submit(request.clone()))).collect()
}

fn together(engine: &Engine, requests: &[GenerateRequest]) -> Vec<Vec<TokenId>> {
    let running: Vec<Generation> =
        requests.iter().map(|request| engine.handle().submit(request.clone())).collect();
    running.into_iter().map(collect).collect()
}

fn stats(engine: &Engine) -> SchedulerStats {
    engine.handle().gauges().stats()
}

/// Whatever happens to a request, its ids are those that it has alone.
fn check(model: &Model) {
    let requests = model.requests();
    let alone = one_by_one(&model.start(&limits().without_prefix_caching()), &requests);
    assert!(alone.iter().any(|ids| *ids != alone[0]), "they differ");

    let engine = model.start(&limits().without_prefix_caching());
    assert_eq!(together(&engine, &requests), alone, "among others");
    assert_eq!(stats(&engine).prefix_hit_tokens, 0);

    let engine = model.start(&limits());
    assert_eq!(together(&engine, &requests), alone, "among others, with the prefix cache");
    let before = stats(&engine).prefix_hit_tokens;
    assert_eq!(one_by_one(&engine, &requests), alone, "from the prefix cache");
    assert_eq!(together(&engine, &requests), alone, "from the prefix cache, among others");
    assert!(stats(&engine).prefix_hit_tokens > before + 1000, "prompts were cached");

    let few = limits().with_cache_size(CacheSize::Blocks(FEW_BLOCKS));
    for few in [few.clone(), few.without_prefix_caching()] {
        let engine = model.start(&few);
        assert_eq!(together(&engine, &requests), alone, "on a small cache");
        assert!(stats(&engine).preemptions > 0, "some were preempted");
    }

    for tokens in [16, 64, 512] {
        let chunks = limits().with_max_batch_size(16).with_max_prefill_token_num(tokens);
        for chunks in [chunks.clone(), chunks.without_prefix_caching()] {
            assert_eq!(together(&model.start(&chunks), &requests), alone, "{tokens} tokens in a step");
        }
    }
    check_choices(model);
}

/// The choices of one answer share their prompt, and choice j has the ids of the request with seed + j.
fn check_choices(model: &Model) {
    let choices: Vec<GenerateRequest> = (0..6)
        .flat_map(|number| {
            let request = model.request(number);
            (0..4).map(move |choice| match number % 2 {
                0 => request.clone().with_group(number.into()),
                _ => request.clone().with_sampling(sampled(number + choice)).with_group(number.into()),
            })
        })
        .collect();
    let alone = one_by_one(&model.start(&limits().without_prefix_caching()), &choices);
    for limits in [limits(), limits().without_prefix_caching()] {
        let engine = model.start(&limits);
        assert_eq!(together(&engine, &choices), alone, "four choices each");
        assert!(stats(&engine).prefix_hit_tokens > 0, "their prompts were shared");
    }
    let firsts: Vec<Vec<TokenId>> = alone.iter().step_by(4).cloned().collect();
    let single: Vec<GenerateRequest> = (0..6).map(|number| model.request(number)).collect();
    assert_eq!(together(&model.start(&limits()), &single), firsts, "one choice each");
    assert_ne!(alone[4], alone[5], "choices are sampled by themselves");
}

#[test]
fn a_request_has_its_ids_whatever_happens_to_it() {
    check(&Model::random());
}

#[test]
fn a_real_model_gives_a_request_its_ids_whatever_happens_to_it() {
    match std::env::var_os("SMOLLM2_GGUF") {
        Some(path) => check(&Model::given(Path::new(&path))),
        // A closed stderr leaves nobody to tell.
        None => drop(writeln!(std::io::stderr(), "skipped: SMOLLM2_GGUF names no model")),
    }
}
