//! [`OfflineModel`]: a model of an earlier run that is not asked again.

use crate::Error;
use crate::model::{Answering, Model, Profile, Request};

/// What a request gets as answer; a failed item says the same when nothing was asked.
const NOT_ASKED: &str = "not asked yet";

/// The profile of a model without the model: for plans, and for scoring stored answers without a server.
#[derive(Clone, Debug)]
pub struct OfflineModel(Profile);

impl OfflineModel {
    /// Creates a model that has only a profile.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        Self(profile)
    }
}

impl Model for OfflineModel {
    fn profile(&self) -> &Profile {
        &self.0
    }

    fn answer<'a>(&'a self, _: &'a Request) -> Answering<'a> {
        let error = || Error::Model { model: self.0.name.clone(), message: NOT_ASKED.to_owned() };
        Box::pin(async move { Err(error()) })
    }
}
