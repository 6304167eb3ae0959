//! Vectors of prompts through the engine thread, over an executor whose cache holds tokens: a wrong block shows up as a
//! wrong vector.

use std::time::Duration;

use internlm_model::TokenId;
use lmdeploy::engine::{
    Batch, BlockId, Capacity, End, Engine, EngineConfig, EngineFault, ExecuteError, Executor, Finished,
    GenerateRequest, Generation, Logits, Output, Pooling, SchedulerConfig, SequencePart,
};
use proptest::prelude::*;

/// Number of hidden states of a token.
const HIDDEN: usize = 3;
/// Number of columns of the logits.
const COLUMNS: usize = 64;

/// An executor that reads its vectors from a cache of tokens. Every other id is 7.
struct Tokens {
    capacity: Capacity,
    cache: Vec<TokenId>,
    broken: Option<Broken>,
}

/// What is wrong with the hidden states of an executor.
#[derive(Clone, Copy)]
enum Broken {
    Missing,
    Infinite,
}

impl Tokens {
    fn new(blocks: usize, max_batched_tokens: usize) -> Self {
        let capacity = Capacity {
            blocks,
            block_tokens: 4,
            max_batched_tokens,
            max_sequences: 5,
            max_position: 120,
            vocab: COLUMNS,
            cache_bytes: 0,
        };
        Self { capacity, cache: vec![TokenId(0); 4 * blocks], broken: None }
    }

    fn slot(&self, step: &SequencePart, position: usize) -> usize {
        step.blocks[position / 4].index() * 4 + position % 4
    }
}

/// The hidden states of the last of `ids`; they depend on all of them and have many digits.
fn states(ids: impl Iterator<Item = TokenId>) -> [f32; HIDDEN] {
    let (mut last, mut count, mut sum) = (0.0, 0.0, 0.0_f64);
    for id in ids {
        last = id.0 as f32;
        count += 1.0;
        sum = (0.7 * sum + f64::from(id.0)).sin();
    }
    [last, count, sum as f32]
}

impl Executor for Tokens {
    fn capacity(&self) -> Capacity {
        self.capacity
    }

    fn hidden_size(&self) -> Option<usize> {
        Some(HIDDEN)
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        for copy in &batch.copies {
            let start = |block: BlockId| block.index() * 4;
            let from = start(copy.from);
            self.cache.copy_within(from..from + copy.tokens, start(copy.to));
        }
        let (mut logits, mut hidden) = (Vec::new(), Vec::new());
        for step in &batch.steps {
            for (token, position) in step.tokens.iter().zip(step.position..) {
                let slot = self.slot(step, position);
                self.cache[slot] = *token;
            }
            let end = step.position + step.tokens.len();
            for last in end - step.hidden_rows()..end {
                hidden.extend(states((0..=last).map(|position| self.cache[self.slot(step, position)])));
            }
            let row = (0..COLUMNS).map(|column| f32::from(u8::from(column == 7)));
            (0..step.rows()).for_each(|_| logits.extend(row.clone()));
        }
        match self.broken {
            Some(Broken::Missing) => hidden.clear(),
            Some(Broken::Infinite) => hidden.fill(f32::NEG_INFINITY),
            None => {}
        }
        Ok(Logits::new(logits, COLUMNS).with_hidden(hidden, HIDDEN))
    }
}

pub(super) fn start(executor: impl Executor + 'static) -> Engine {
    let config = EngineConfig::new(SchedulerConfig::new(&executor.capacity()));
    Engine::start(Box::new(executor), config)
}

fn prompt(seed: u32, length: u32) -> Vec<TokenId> {
    (0..length).map(|i| TokenId(3 + (seed * 31 + i * 17 + i * i) % 60)).collect()
}

pub(super) fn finished(mut generation: Generation) -> Finished {
    loop {
        match generation.wait().expect("an end comes before nothing") {
            Output::Finished(finished) => return finished,
            Output::Prompt(_) | Output::Pieces(_) => {}
        }
    }
}

pub(super) fn pooled(engine: &Engine, prompt: &[TokenId], pooling: Pooling) -> Generation {
    engine.handle().submit(GenerateRequest::new(prompt.to_vec()).with_pooling(pooling))
}

/// The vector that a prompt must get.
fn expected(prompt: &[TokenId], pooling: Pooling) -> Vec<f32> {
    let states = |length: usize| states(prompt[..length].iter().copied());
    if pooling == Pooling::Last {
        return states(prompt.len()).to_vec();
    }
    let rows: Vec<[f32; HIDDEN]> = (1..=prompt.len()).map(states).collect();
    let mean = |column: usize| {
        let sum: f64 = rows.iter().map(|row| f64::from(row[column])).sum();
        (sum / rows.len() as f64) as f32
    };
    (0..HIDDEN).map(mean).collect()
}

pub(super) const BOTH: [Pooling; 2] = [Pooling::Last, Pooling::Mean];

#[test]
fn vectors_are_the_same_bits_for_any_chunks_cache_and_neighbors() {
    let prompts: Vec<Vec<TokenId>> =
        [1, 2, 3, 4, 5, 8, 33, 90].into_iter().map(|length| prompt(length % 4, length)).collect();
    for (max_batched_tokens, caches) in [(128, true), (128, false), (7, true), (5, false)] {
        let executor = Tokens::new(256, max_batched_tokens);
        let limits = SchedulerConfig::new(&executor.capacity()).with_max_queue(100);
        let limits = if caches { limits } else { limits.without_prefix_caching() };
        let engine = Engine::start(Box::new(executor), EngineConfig::new(limits));
        for round in 0..2 {
            // Decodes of other requests are in the same steps.
            let others: Vec<Generation> = (0..2)
                .map(|seed| engine.handle().submit(GenerateRequest::new(prompt(seed, 9)).with_max_new(40)))
                .collect();
            let asked = prompts.iter().flat_map(|prompt| BOTH.map(|pooling| (prompt, pooling)));
            let generations: Vec<_> =
                asked.map(|(prompt, pooling)| (prompt, pooling, pooled(&engine, prompt, pooling))).collect();
            for (prompt, pooling, generation) in generations {
                let finished = finished(generation);
                assert_eq!((&finished.end, finished.generated_tokens), (&End::Length, 0));
                assert_eq!(finished.prompt_tokens, prompt.len());
                let place = format!("{pooling:?} of {} tokens, round {round}", prompt.len());
                assert_eq!(finished.embedding, Some(expected(prompt, pooling)), "{place}");
                match pooling {
                    Pooling::Mean => assert_eq!(finished.cached_tokens, 0, "{place}: it needs every token"),
                    Pooling::Last if caches && round == 1 => {
                        assert_eq!(finished.cached_tokens, prompt.len() - 1, "{place}");
                    }
                    Pooling::Last => assert!(caches || finished.cached_tokens == 0, "{place}"),
                }
            }
            for other in others {
                let finished = finished(other);
                assert_eq!((finished.generated_tokens, finished.embedding), (40, None));
            }
        }
        assert_eq!(engine.handle().gauges().stats().active_blocks, 0);
    }
}

#[test]
fn a_prompt_that_loses_its_blocks_gets_the_same_vector() {
    // Room for one long sequence: the urgent ones take blocks from those that are half computed.
    let engine = start(Tokens::new(32, 6));
    let prompts: Vec<Vec<TokenId>> = (0..4).map(|seed| prompt(seed, 70)).collect();
    let mut generations = Vec::new();
    for (index, prompt) in prompts.iter().enumerate() {
        for pooling in BOTH {
            let mut request = GenerateRequest::new(prompt.clone()).with_pooling(pooling);
            request.priority = -(index as i32);
            generations.push((prompt, pooling, engine.handle().submit(request)));
        }
    }
    let long = GenerateRequest::new(prompt(9, 30)).with_max_new(80);
    let other = engine.handle().submit(long);
    for (prompt, pooling, generation) in generations {
        assert_eq!(finished(generation).embedding, Some(expected(prompt, pooling)), "{pooling:?}");
    }
    assert_eq!(finished(other).generated_tokens, 80);
    assert_eq!(engine.handle().gauges().stats().active_blocks, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_mix_of_requests_gives_each_prompt_its_vector(
        blocks in 30_usize..80,
        max_batched_tokens in 5_usize..40,
        caches in any::<bool>(),
        asked in prop::collection::vec((0_u32..3, 1_u32..100, any::<bool>(), 0_u8..4), 1..14),
    ) {
        let executor = Tokens::new(blocks, max_batched_tokens);
        let limits = SchedulerConfig::new(&executor.capacity());
        let limits = if caches { limits } else { limits.without_prefix_caching() };
        let engine = Engine::start(Box::new(executor), EngineConfig::new(limits));
        let mut kept = Vec::new();
        for (seed, length, mean, fate) in asked {
            let (prompt, pooling) = (prompt(seed, length), if mean { Pooling::Mean } else { Pooling::Last });
            let generation = pooled(&engine, &prompt, pooling);
            // One in four goes away at once.
            if fate > 0 {
                kept.push((prompt, pooling, generation));
            }
        }
        for (prompt, pooling, generation) in kept {
            prop_assert_eq!(finished(generation).embedding, Some(expected(&prompt, pooling)));
        }
        let held = || engine.handle().gauges().stats().active_blocks;
        let freed = (0..1000).any(|_| {
            std::thread::sleep(Duration::from_millis(1));
            held() == 0
        });
        prop_assert!(freed, "{} blocks are held", held());
    }
}

#[test]
fn hidden_states_that_are_missing_or_no_numbers_are_an_error() {
    for (broken, words) in [
        (Broken::Missing, "found 0 rows of hidden states, expected 1"),
        (Broken::Infinite, "the hidden states are not numbers"),
    ] {
        let engine = start(Tokens { broken: Some(broken), ..Tokens::new(32, 16) });
        let finished = finished(pooled(&engine, &prompt(1, 9), Pooling::Last));
        assert_eq!(finished.end, End::Error(EngineFault::Execution(words.to_owned())));
        assert_eq!(finished.embedding, None);
        assert_eq!(engine.handle().gauges().stats().active_blocks, 0);
    }
}
