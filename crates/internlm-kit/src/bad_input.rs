//! [`BadInput`]: errors that know whose fault they are. It is re-exported by [`exit`](crate::exit).

/// Errors that know whose fault they are.
///
/// Every error enum of the workspace implements it, so that the same mistake has the same exit code everywhere.
pub trait BadInput {
    /// Whether the input or the usage is at fault (exit code 2) rather than the work itself (exit code 1).
    fn is_bad_input(&self) -> bool;
}

/// A usage mistake that only the command line can make, such as two flags that exclude each other.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

impl BadInput for UsageError {
    fn is_bad_input(&self) -> bool {
        true
    }
}
