//! The keys of a state: the path of an agent and the word `memory`, as in lagent's `state_dict`.

/// What a key has behind the path.
const MEMORY: &str = "memory";

/// Returns the key of an agent's memory.
pub(super) fn key(path: &str) -> String {
    if path.is_empty() { MEMORY.to_owned() } else { format!("{path}.{MEMORY}") }
}

/// Whether an agent is `root` or one of its members at any depth.
pub(super) fn is_within(path: &str, root: &str) -> bool {
    root.is_empty() || path == root || path.strip_prefix(root).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_dotted_paths() {
        assert_eq!(
            [key(""), key("planner"), key("0.planner")],
            ["memory", "planner.memory", "0.planner.memory"]
        );
        assert!(is_within("a.b", "a") && is_within("a", "a") && is_within("a", ""));
        assert!(!is_within("ab", "a") && !is_within("a", "a.b"));
    }
}
