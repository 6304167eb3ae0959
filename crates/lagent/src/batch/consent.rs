//! Who decides what a batch may not decide alone.

use serde_json::Value;

use crate::driver::Decision;

/// Decides about calls that need a person. Both defaults refuse, which suits a batch that nobody watches.
///
/// A decision is waited for; the other questions of the batch wait as well.
pub trait Consent: Send + Sync {
    /// Decides about a call that needs approval.
    fn approve(&self, name: &str, args: &Value) -> Decision {
        let _ = (name, args);
        Decision::Deny("there is nobody to ask".to_owned())
    }

    /// Decides whether a call is made again whose outcome is unknown, because the batch was killed while it was made.
    /// If not, the model reads that, with the reason.
    fn repeat(&self, name: &str, args: &Value) -> Decision {
        let _ = (name, args);
        Decision::Deny("there is nobody to ask".to_owned())
    }
}

/// Refuses everything that needs a person.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Consent for Nobody {}
