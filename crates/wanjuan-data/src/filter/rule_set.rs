//! [`RuleSet`]: rules that look at one text and decide, with or without a pipeline around them.

use super::View;
use crate::{Document, Reason, Stage, Verdict};

/// A set of rules about one text. The first rule that fails is the reason.
pub trait RuleSet: Stage {
    /// Decides about a text; the first rule that fails gives the reason.
    fn decide(&self, view: &View<'_>) -> Decision;
}

/// What a rule set says about a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The text stays as it is.
    Keep,
    /// The document stays with this text instead.
    Rewrite(String),
    /// The document is dropped.
    Drop(Box<Reason>),
}

impl Decision {
    /// Drops the text when there is a reason, else keeps it.
    #[must_use]
    pub fn from_reason(reason: Option<Reason>) -> Self {
        reason.map_or(Self::Keep, |reason| Self::Drop(Box::new(reason)))
    }

    /// The reason, when the decision is to drop.
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        match self {
            Self::Drop(reason) => Some(reason),
            Self::Keep | Self::Rewrite(_) => None,
        }
    }
}

/// Carries out a rule set's decision on a document.
pub(super) fn apply(rules: &impl RuleSet, mut document: Document) -> Verdict {
    let decision = rules.decide(&View::of(&document));
    match decision {
        Decision::Keep => Verdict::Keep(document),
        Decision::Rewrite(text) => {
            document.content = text;
            Verdict::Keep(document)
        }
        Decision::Drop(reason) => Verdict::Drop(document, reason),
    }
}
