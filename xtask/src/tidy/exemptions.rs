//! The one list of exemptions from the house rules, each with a reason. At most five.

/// A place where one rule does not hold.
#[derive(Debug)]
pub(crate) struct Exemption {
    /// Path below the workspace root.
    pub(crate) path: &'static str,
    /// The rule's name as `tidy` prints it.
    pub(crate) rule: &'static str,
    /// Why the rule would make this place worse.
    pub(crate) reason: &'static str,
}

/// How many exemptions the project allows itself.
pub(crate) const MOST: usize = 5;

/// The list.
pub(crate) const EXEMPTIONS: &[Exemption] = &[];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_reasoned() {
        assert!(EXEMPTIONS.len() <= MOST);
        assert!(EXEMPTIONS.iter().all(|exemption| exemption.reason.len() > 20));
    }
}
