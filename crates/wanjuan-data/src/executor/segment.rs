//! [`Segment`]: runs of document stages between passes, the pieces a pipeline is executed in.

use crate::dedup::{ExactDedup, NearDedup, RepeatedLines};
use crate::extract::Extract;
use crate::filter::Language;
use crate::normalize::NormalizeCharacters;
use crate::stage::{Pass, Stage};
use crate::{Result, StageConfig};

/// A piece of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub enum Segment {
    /// Document stages, executed shard by shard.
    Stages(Vec<(String, StageConfig)>),
    /// One corpus-wide pass.
    Pass(String, StageConfig),
}

/// Cuts a pipeline at its passes. Every entry gets a label: its name, numbered from the second use on.
#[must_use]
pub fn segments(stages: &[StageConfig]) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut used: Vec<&'static str> = Vec::new();
    for config in stages {
        let name = config.name();
        used.push(name);
        let uses = used.iter().filter(|one| **one == name).count();
        let label = if uses == 1 { name.to_owned() } else { format!("{name}-{uses}") };
        if config.is_pass() {
            segments.push(Segment::Pass(label, config.clone()));
        } else if let Some(Segment::Stages(open)) = segments.last_mut() {
            open.push((label, config.clone()));
        } else {
            segments.push(Segment::Stages(vec![(label, config.clone())]));
        }
    }
    segments
}

impl StageConfig {
    /// Name in configs, reports and folders.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ExactDedup(config) => ExactDedup::new(config.clone()).name(),
            Self::NearDedup(_) => "near-dedup",
            Self::RepeatedLines(config) => RepeatedLines::new(config.clone()).name(),
            // Building this stage reads its model.
            Self::Language(_) => "language",
            // Its word lists need not be there for its name.
            Self::C4BadWords(_) => "c4-bad-words",
            stage => stage.build_stage().ok().flatten().map_or("", |stage| stage.name()),
        }
    }

    /// Whether this is a pass over the whole corpus and not a document stage.
    #[must_use]
    pub fn is_pass(&self) -> bool {
        matches!(self, Self::ExactDedup(_) | Self::NearDedup(_) | Self::RepeatedLines(_))
    }

    /// The document stage, `None` for passes.
    ///
    /// # Errors
    /// A model or other files of a stage that cannot be read.
    pub fn build_stage(&self) -> Result<Option<Box<dyn Stage>>> {
        if let Some(rules) = self.build_rules()? {
            return Ok(Some(rules));
        }
        Ok(Some(match self.clone() {
            Self::Extract(config) => Box::new(Extract::new(config)),
            Self::Normalize(config) => Box::new(NormalizeCharacters::new(config)),
            Self::Language(config) => Box::new(Language::new(config)?),
            _ => return Ok(None),
        }))
    }

    /// Calls `visitor` with the pass; `None` for document stages.
    pub(super) fn visit_pass<V: PassVisitor>(&self, visitor: V) -> Option<V::Output> {
        match self.clone() {
            Self::ExactDedup(config) => Some(visitor.visit(&ExactDedup::new(config))),
            Self::NearDedup(config) => Some(visitor.visit(&NearDedup::new(config))),
            Self::RepeatedLines(config) => Some(visitor.visit(&RepeatedLines::new(config))),
            _ => None,
        }
    }
}

/// A function that is generic over the pass.
pub(super) trait PassVisitor {
    type Output;
    fn visit<P: Pass>(self, pass: &P) -> Self::Output;
}
