//! The choice of a dataset's examples as a course of requests to the model for retrieval.

use super::examples::{Retrieval, examples};
use crate::ask::{Course, Errand, Lookup};
use crate::dataset::Dataset;
use crate::model::{Model, Profile, Request};

/// The choice of the examples of one dataset.
pub(crate) struct RetrievalCourse<'a> {
    /// The dataset whose rows need examples.
    pub(crate) dataset: &'a Dataset,
    /// The model that gives sentence vectors and likelihoods.
    pub(crate) model: &'a dyn Model,
}

impl RetrievalCourse<'_> {
    /// Returns the examples that follow from the answers, or the reason why they cannot be chosen.
    pub(crate) fn settled(&self, answers: Lookup<'_>) -> Result<Vec<Vec<usize>>, String> {
        let profile = self.model.profile();
        match examples(self.dataset, Some(profile), &|request| answers(&request.key(&profile.identity)))? {
            Retrieval::Done(examples) => Ok(examples),
            Retrieval::Waits(_) => Err("the examples are not chosen yet".to_owned()),
        }
    }
}

impl Course for RetrievalCourse<'_> {
    fn missing(&self, answers: Lookup<'_>) -> Vec<Errand> {
        let profile = self.model.profile();
        let outcomes = |request: &Request| answers(&request.key(&profile.identity));
        let Ok(Retrieval::Waits(requests)) = examples(self.dataset, Some(profile), &outcomes) else {
            return Vec::new();
        };
        let errand = |request: Request| Errand { to: 0, key: request.key(&profile.identity), request };
        requests.into_iter().map(errand).collect()
    }
}

/// Takes the first rows of `train` as the examples of every row where a model would choose them. A plan with them has as
/// many requests as the run, but other prompts.
///
/// # Errors
/// A message, when the run could not choose examples either.
pub(crate) fn assumed_examples(dataset: &Dataset, profile: &Profile) -> Result<Vec<Vec<usize>>, String> {
    match examples(dataset, Some(profile), &|_| None)? {
        Retrieval::Done(examples) => Ok(examples),
        Retrieval::Waits(_) => {
            let count = dataset.config.few_shot.count.unwrap_or(1).min(dataset.train.len());
            Ok(vec![(0..count).collect(); dataset.test.len()])
        }
    }
}
