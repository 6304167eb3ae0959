//! From logits to ids and text: what the sampler may depend on, and what it must not.

use internlm_model::TokenId;
use internlm_model::sampling::SamplingConfig;
use lmdeploy::engine::{
    Batch, Capacity, Engine, EngineConfig, ExecuteError, Executor, GenerateRequest, Generation, Logits,
    LogitsDetail, LogitsWanted, Output, SchedulerConfig,
};
use lmdeploy::protocol::{ChatMessage, ChatRequest};
use lmdeploy::testing::{MockModel, tokenizer};
use proptest::prelude::*;

/// More ids than the tokenizer knows: the last columns are padding.
const COLUMNS: usize = 330;

/// How an executor answers a request for the largest entries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows {
    Full,
    Top,
}

/// Logits that depend on the last token and its position in a fixed, irregular way.
pub(crate) struct Irregular(Rows);

impl Irregular {
    /// The row after a text whose last token is `token` at `position`; its values have few digits in binary.
    pub(crate) fn row(token: TokenId, position: usize) -> Vec<f32> {
        let start = u64::from(token.0) * 7919 + position as u64 * 104_729;
        // Few distinct values, so that ties happen.
        (0..COLUMNS as u64)
            .map(|column| (((start + column) * 2_654_435_761) >> 7) % 97)
            .map(|value| value as f32 / 16.0 - 1.0)
            .collect()
    }
}

impl Executor for Irregular {
    fn capacity(&self) -> Capacity {
        let (blocks, block_tokens) = (40, 4);
        Capacity {
            blocks,
            block_tokens,
            max_batched_tokens: 16,
            max_sequences: 4,
            max_position: 160,
            vocab: COLUMNS,
            cache_bytes: 0,
        }
    }

    fn step(&mut self, batch: &Batch) -> Result<Logits, ExecuteError> {
        let mut rows = Vec::new();
        for step in &batch.steps {
            let positions = step.tokens.iter().zip(step.position..);
            let skipped = step.tokens.len() - step.rows();
            assert!(step.rows() <= 1 || step.logits == LogitsWanted::All);
            rows.extend(positions.skip(skipped).map(|(token, position)| Self::row(*token, position)));
        }
        let top = |row: Vec<f32>, entries: usize| {
            let mut row: Vec<(TokenId, f32)> = (0..).map(TokenId).zip(row).collect();
            row.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            row.truncate(entries);
            row
        };
        Ok(match (self.0, batch.detail) {
            (Rows::Top, LogitsDetail::Top(entries)) => {
                Logits::top(rows.into_iter().map(|row| top(row, entries)).collect())
            }
            _ => Logits::new(rows.concat(), COLUMNS),
        })
    }
}

pub(crate) fn start(rows: Rows) -> Engine {
    let executor = Irregular(rows);
    let config = EngineConfig::new(SchedulerConfig::new(&executor.capacity())).with_tokenizer(tokenizer());
    Engine::start(Box::new(executor), config)
}

pub(crate) fn ids(mut generation: Generation) -> Vec<TokenId> {
    let mut ids = Vec::new();
    while let Some(output) = generation.wait() {
        if let Output::Pieces(pieces) = output {
            ids.extend(pieces.iter().map(|piece| piece.id));
        }
    }
    ids
}

/// Twelve ids after each of several prompts, of different lengths.
pub(crate) fn requests(sampling: &SamplingConfig) -> Vec<GenerateRequest> {
    let prompt =
        |length: u32| (0..length).map(|place| TokenId(3 + (length * 31 + place * 17) % 300)).collect();
    let request =
        |length| GenerateRequest::new(prompt(length)).with_max_new(12).with_sampling(sampling.clone());
    [1, 5, 9, 21, 33].map(request).to_vec()
}

pub(crate) fn sampling() -> impl Strategy<Value = SamplingConfig> {
    let top_k = prop::option::of(1..70_usize);
    let temperature = prop_oneof![Just(0.0_f32), 0.1_f32..2.0];
    (temperature, top_k, 0.05_f32..=1.0, 0.0_f32..0.5, any::<u64>()).prop_map(
        |(temperature, top_k, top_p, min_p, seed)| {
            let mut sampling = SamplingConfig::greedy()
                .with_temperature(temperature)
                .with_top_p(top_p)
                .with_min_p(min_p)
                .with_seed(seed);
            sampling.top_k = top_k;
            sampling
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ids_do_not_depend_on_the_form_of_the_rows_or_on_the_neighbors(sampling in sampling()) {
        let (full, top) = (start(Rows::Full), start(Rows::Top));
        let alone: Vec<_> =
            requests(&sampling).into_iter().map(|request| ids(full.handle().submit(request))).collect();
        for engine in [&full, &top] {
            let together: Vec<_> =
                requests(&sampling).into_iter().map(|request| engine.handle().submit(request)).collect();
            let together: Vec<_> = together.into_iter().map(ids).collect();
            prop_assert_eq!(&together, &alone);
        }
        let known = tokenizer().vocab_size();
        prop_assert!(alone.iter().flatten().all(|id| id.index() < known), "padding is never sampled");
        prop_assert!(alone.iter().all(|ids| ids.len() == 12));
    }

    #[test]
    fn greedy_ids_are_the_largest_entries(length in 1..40_u32) {
        let engine = start(Rows::Top);
        let prompt: Vec<TokenId> = (0..length).map(|place| TokenId(3 + place % 300)).collect();
        let found = ids(engine.handle().submit(GenerateRequest::new(prompt.clone()).with_max_new(6)));
        let mut text = prompt;
        for id in found {
            let row = Irregular::row(text[text.len() - 1], text.len() - 1);
            let row = &row[..tokenizer().vocab_size()];
            let largest = row.iter().copied().fold(f32::MIN, f32::max);
            let first = row.iter().position(|logit| *logit == largest).expect("the largest is there");
            prop_assert_eq!(id.index(), first, "of equal logits the smaller id wins");
            text.push(id);
        }
    }

    #[test]
    fn an_answer_ends_before_its_first_stop_string(
        text in "[ab é🙂\n]{0,24}",
        stops in prop::collection::vec("[ab é🙂\n]{1,3}", 1..4),
    ) {
        let pipeline = MockModel::from(text.as_str()).pipeline();
        let request = ChatRequest::new([ChatMessage::user("hi")]).with_stop(stops.clone());
        let answer = pipeline.chat(&request).expect("an answer");
        let ends = text.char_indices().map(|(start, character)| start + character.len_utf8());
        let stopped = ends.map(|end| &text[..end]).find_map(|read| {
            let longest = stops.iter().filter(|stop| read.ends_with(stop.as_str())).map(String::len).max();
            longest.map(|longest| &read[..read.len() - longest])
        });
        prop_assert_eq!(answer.text(), stopped.unwrap_or(&text));
    }
}
