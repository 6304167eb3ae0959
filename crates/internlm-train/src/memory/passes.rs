//! [`Passes`]: how the rows of a step are joined.

/// Sizes of the passes of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Passes {
    /// Number of tokens of the largest pass.
    pub tokens: usize,
    /// Number of passes of the step.
    pub count: usize,
}

impl Passes {
    /// The passes of a step with rows of these numbers of tokens, joined as training does it.
    ///
    /// ```
    /// use internlm_train::memory::Passes;
    ///
    /// assert_eq!(Passes::of([300, 300, 300], 700), Passes { tokens: 600, count: 2 });
    /// ```
    #[must_use]
    pub fn of(rows: impl IntoIterator<Item = usize>, pass_tokens: usize) -> Self {
        let (mut passes, mut present) = (Self { tokens: 0, count: 0 }, 0);
        for row in rows {
            if passes.count == 0 || present + row > pass_tokens {
                passes.count += 1;
                present = 0;
            }
            present += row;
            passes.tokens = passes.tokens.max(present);
        }
        passes
    }
}
