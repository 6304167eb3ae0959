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

/// Maximum number of exemptions in the whole project.
pub(crate) const MAX_EXEMPTIONS: usize = 5;

/// The list.
pub(crate) const EXEMPTIONS: &[Exemption] = &[
    Exemption {
        path: "crates/internlm-kit/src/exit.rs",
        rule: "placement",
        reason: "the one place where the errors of all binaries, which are anyhow's, become text and an exit code",
    },
    Exemption {
        path: "crates/internlm-kit/src/memory.rs",
        rule: "unsafe",
        reason: "the allocator keeps what loading a model has freed until it is told, by a function of C",
    },
    Exemption {
        path: "crates/internlm-kit/src/sandbox/descriptors.rs",
        rule: "unsafe",
        reason: "descriptors are closed, signals taken and limits set between fork and exec, in closures of system calls",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_reasoned() {
        assert!(EXEMPTIONS.len() <= MAX_EXEMPTIONS);
        assert!(EXEMPTIONS.iter().all(|exemption| exemption.reason.len() > 20));
    }
}
