//! `sc`: several sampled answers per row, of which the majority counts (self-consistency).
//!
//! The vote is over the *extracted* answers, so it is taken after the post-processors, by the scorer; here the answers
//! are only asked for and collected. Paper: <https://arxiv.org/abs/2203.11171>.

use serde_json::{Map, json};

use super::record::{all_spoken, closed};
use super::speaker::{Speaker, reseeded};
use super::{Ask, InferContext, Item, Outcome, Prediction, generate};
use crate::dataset::Dataset;
use crate::model::Profile;

/// Creates one request per sample; all have the same prompt and their own seeds.
pub(super) fn item(
    dataset: &Dataset,
    (index, replica): (usize, usize),
    profile: &Profile,
    context: InferContext,
) -> Result<Item, String> {
    let size = dataset.config.infer.sc_size.unwrap_or(1).max(1);
    let first = (replica * size) as u64;
    let speaker = Speaker::new(dataset, profile, context);
    let item = generate::item(dataset, (index, first), speaker, profile)?;
    let seeds = (0..size as u64).map(|sample| context.seed.wrapping_add(first + sample));
    let asks = item
        .asks
        .iter()
        .flat_map(|ask| seeds.clone().map(move |seed| Ask::new(reseeded(&ask.request, seed), profile)));
    Ok(Item { asks: asks.collect(), ..item })
}

/// Collects the answers as a list.
pub(super) fn conclude(item: &Item, outcomes: &[Outcome]) -> Prediction {
    let mut prediction = Prediction { gold: item.gold.clone(), ..Prediction::default() };
    match all_spoken(outcomes) {
        Ok(answers) => {
            prediction.cut = answers.iter().any(|answer| answer.cut);
            prediction.value = Some(answers.iter().map(|answer| answer.text).collect());
        }
        Err(error) => prediction.error = Some(error),
    }
    let mut record = Map::new();
    record.insert("origin_prompt".to_owned(), json!(item.asks.first().map(Ask::shown)));
    record.insert("prediction".to_owned(), json!(prediction.value));
    closed(item, prediction, record)
}
