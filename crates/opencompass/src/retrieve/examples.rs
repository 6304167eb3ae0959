//! The examples of every row of a dataset, as far as the answers reach that a rule needs.

use super::bm25::bm25;
use super::corpus::corpus;
use super::dpp::dpp;
use super::mdl::{Candidates, mdl};
use super::random::random;
use super::sliding::sliding;
use super::stop::{Outcomes, Stop};
use super::vectors::nearest;
use super::votek::votek;
use super::xiezhi::xiezhi;
use crate::dataset::{Dataset, FewShotConfig, Retriever, Row};
use crate::infer::Outcome;
use crate::model::{Answer, Profile, Request};
use crate::prompt::python_str;

/// Number of texts in one request for vectors.
const TEXTS_PER_REQUEST: usize = 32;
/// Seed of `random`, upstream's default.
const RANDOM_SEED: u64 = 43;
/// Seed of the other rules that draw, upstream's default.
const OTHER_SEED: u64 = 1;
/// Column of the fields of knowledge, upstream's name.
const LABELS: &str = "labels";

/// How far the choice of examples has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Retrieval {
    /// These requests to the model for retrieval have to be answered first.
    Waits(Vec<Request>),
    /// The rows of `train` in front of each row of `test`; empty if the rule is the same for every row.
    Done(Vec<Vec<usize>>),
}

/// Chooses the examples of every row as far as `outcomes` reaches. `profile` is that of the model for retrieval, which
/// gives sentence vectors and likelihoods.
///
/// # Errors
/// A message, when the rows do not have what the rule needs, or the run has no model that the rule needs.
pub fn examples(
    dataset: &Dataset,
    profile: Option<&Profile>,
    outcomes: &dyn Fn(&Request) -> Option<Outcome>,
) -> Result<Retrieval, String> {
    match chosen(dataset, profile, outcomes) {
        Ok(examples) => Ok(Retrieval::Done(examples)),
        Err(Stop::Asks(requests)) => Ok(Retrieval::Waits(requests)),
        Err(Stop::Fails(message)) => Err(message),
    }
}

/// Fills in the examples if the rule needs only the rows; otherwise the reason why they are not there yet.
#[must_use]
pub fn planned(dataset: Dataset) -> Dataset {
    let examples = match examples(&dataset, None, &|_| None) {
        Ok(Retrieval::Done(examples)) => Ok(examples),
        Ok(Retrieval::Waits(_)) => Err("the examples are not chosen yet".to_owned()),
        Err(message) => Err(message),
    };
    Dataset { examples, ..dataset }
}

fn chosen(
    dataset: &Dataset,
    profile: Option<&Profile>,
    outcomes: Outcomes<'_>,
) -> Result<Vec<Vec<usize>>, Stop> {
    let (config, reader) = (&dataset.config, &dataset.config.reader);
    let few_shot = &config.few_shot;
    let (train, test) = (dataset.train.len(), dataset.test.len());
    let count = count(few_shot, train)?;
    let texts = |rows: &[Row]| corpus(rows, reader);
    let vectors = |rows: &[Row]| vectors(&texts(rows), profile, outcomes);
    match few_shot.retriever {
        Retriever::Zero | Retriever::Fixk => Ok(Vec::new()),
        Retriever::Random => Ok(random(train, test, count, seed(few_shot, RANDOM_SEED)?)),
        Retriever::SlidingK => Ok(sliding(train, test, count)),
        Retriever::Bm25 => Ok(bm25(&texts(&dataset.train), &texts(&dataset.test), count)),
        Retriever::Xiezhi => {
            let (train, test) = (labels(&dataset.train)?, labels(&dataset.test)?);
            xiezhi(&train, &test, count).map_err(Stop::Fails)
        }
        Retriever::Votek => {
            let chosen = votek(&vectors(&dataset.train)?, count, seed(few_shot, OTHER_SEED)?);
            Ok(vec![chosen; test])
        }
        Retriever::Topk | Retriever::Dpp | Retriever::Mdl => {
            let (train, test) = both(vectors(&dataset.train), vectors(&dataset.test))?;
            let candidates = few_shot.candidates.unwrap_or(1);
            match few_shot.retriever {
                Retriever::Topk => Ok(test.iter().map(|vector| nearest(&train, vector, count)).collect()),
                Retriever::Dpp => {
                    Ok(test.iter().map(|vector| dpp(&train, vector, candidates, count)).collect())
                }
                _ => {
                    let candidates = Candidates {
                        near: test.iter().map(|vector| nearest(&train, vector, candidates)).collect(),
                        count,
                        seed: seed(few_shot, OTHER_SEED)?,
                    };
                    mdl(dataset, &candidates, profile, outcomes)
                }
            }
        }
    }
}

/// Joins what both parts have to ask, so that one round of requests is enough.
fn both<T>(a: Result<T, Stop>, b: Result<T, Stop>) -> Result<(T, T), Stop> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(Stop::Asks(mut a)), Err(Stop::Asks(b))) => {
            a.extend(b);
            Err(Stop::Asks(a))
        }
        (Err(Stop::Fails(message)), _) | (_, Err(Stop::Fails(message))) => Err(Stop::Fails(message)),
        (Err(stop), _) | (_, Err(stop)) => Err(stop),
    }
}

/// The number of examples of the rules that count them.
fn count(few_shot: &FewShotConfig, train: usize) -> Result<usize, Stop> {
    if matches!(few_shot.retriever, Retriever::Zero | Retriever::Fixk) {
        return Ok(0);
    }
    let count = few_shot.count.unwrap_or(1);
    if train == 0 {
        return Err(Stop::Fails(
            "found no train rows, expected those that examples are taken from".to_owned(),
        ));
    }
    if count > train {
        return Err(Stop::Fails(format!("count: found {count}, expected at most {train}, the train rows")));
    }
    Ok(count)
}

/// The seed of the rule, as far as NumPy's generator takes it.
fn seed(few_shot: &FewShotConfig, usual: u64) -> Result<u32, Stop> {
    let seed = few_shot.seed.unwrap_or(usual);
    u32::try_from(seed).map_err(|_| {
        Stop::Fails(format!("seed: found {seed}, expected a number below 2^32, as NumPy takes it"))
    })
}

/// The fields of knowledge of each row.
fn labels(rows: &[Row]) -> Result<Vec<Vec<String>>, Stop> {
    let labels = |(index, row): (usize, &Row)| {
        let value = row.columns.get(LABELS);
        let items = value.and_then(serde_json::Value::as_array).ok_or_else(|| {
            let found = value.map_or("none".to_owned(), ToString::to_string);
            Stop::Fails(format!("row {index}: column {LABELS}: found {found}, expected a list of labels"))
        })?;
        Ok(items.iter().map(python_str).collect())
    };
    rows.iter().enumerate().map(labels).collect()
}

/// The sentence vectors of texts.
fn vectors(
    texts: &[String],
    profile: Option<&Profile>,
    outcomes: Outcomes<'_>,
) -> Result<Vec<Vec<f32>>, Stop> {
    let missing = "found no model for sentence vectors, expected the run's table [retrieval]";
    let profile = profile.ok_or_else(|| Stop::Fails(missing.to_owned()))?;
    if let Err(reason) = &profile.embeddings {
        return Err(Stop::Fails(format!("the rule needs sentence vectors, but {reason}")));
    }
    let requests = texts.chunks(TEXTS_PER_REQUEST).map(|texts| Request::Embed { texts: texts.to_vec() });
    let mut all: Vec<Vec<f32>> = Vec::with_capacity(texts.len());
    let mut asks = Vec::new();
    for request in requests {
        match outcomes(&request) {
            None => asks.push(request),
            Some(Ok(Answer::Vectors { vectors })) => all.extend(vectors),
            Some(Ok(_)) => {
                return Err(Stop::Fails("found another answer, expected sentence vectors".to_owned()));
            }
            Some(Err(error)) => return Err(Stop::Fails(format!("sentence vectors: {error}"))),
        }
    }
    if !asks.is_empty() {
        return Err(Stop::Asks(asks));
    }
    if all.len() != texts.len() {
        let (found, expected) = (all.len(), texts.len());
        return Err(Stop::Fails(format!("found {found} sentence vectors, expected {expected}")));
    }
    Ok(all)
}
