//! Names of tools and arguments: short, unique, made of the characters that model servers accept, and always the
//! same for the same description.

use std::collections::BTreeSet;

use internlm_kit::hash::sha256;

/// Maximum length of a tool's name with its prefix, and of an argument's name; that of `OpenAI`'s API.
pub(super) const LIMIT: usize = 64;
/// Number of characters of the hash that ends a shortened name.
const HASH: usize = 8;

/// Gives out names that differ from each other.
#[derive(Debug)]
pub(super) struct Names {
    taken: BTreeSet<String>,
    limit: usize,
}

impl Names {
    /// No names are taken yet; each will have at most `limit` characters.
    pub(super) fn new(limit: usize) -> Self {
        Self { taken: BTreeSet::new(), limit: limit.max(2 * HASH) }
    }

    /// A new name that resembles `wanted`.
    pub(super) fn give(&mut self, wanted: &str) -> String {
        let plain = plain(wanted);
        let name = shortened(&plain, wanted, self.limit);
        let numbered = (2_u64..).map(|number| {
            let end = format!("_{number}");
            format!("{}{end}", shortened(&plain, wanted, self.limit.saturating_sub(end.len())))
        });
        let free = std::iter::once(name).chain(numbered).find(|name| !self.taken.contains(name));
        let name = free.unwrap_or_default();
        self.taken.insert(name.clone());
        name
    }
}

/// Letters, digits, `_` and `-`; one `_` for each run of anything else.
fn plain(wanted: &str) -> String {
    let mut plain = String::new();
    for letter in wanted.chars() {
        if letter.is_ascii_alphanumeric() || letter == '-' || letter == '_' {
            plain.push(letter);
        } else if !plain.ends_with('_') {
            plain.push('_');
        }
    }
    let trimmed = plain.trim_matches('_');
    if trimmed.is_empty() { "unnamed".to_owned() } else { trimmed.to_owned() }
}

/// A name that is too long keeps its beginning and gets a hash of the whole.
fn shortened(plain: &str, wanted: &str, limit: usize) -> String {
    if plain.len() <= limit {
        return plain.to_owned();
    }
    let hash = sha256(wanted);
    let kept: String = plain.chars().take(limit.saturating_sub(HASH + 1)).collect();
    format!("{}_{}", kept.trim_end_matches('_'), hash.chars().take(HASH).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_short_and_unique() {
        let mut names = Names::new(LIMIT);
        assert_eq!(names.give("repos/list-for-user"), "repos_list-for-user");
        assert_eq!(names.give("repos.list-for-user"), "repos_list-for-user_2");
        assert_eq!(names.give("filter[name]"), "filter_name");
        assert_eq!(names.give("$!"), "unnamed");
        let long = "a".repeat(100);
        let first = names.give(&long);
        assert!(first.len() <= LIMIT && first.starts_with("aaaa"));
        assert_eq!(Names::new(LIMIT).give(&long), first, "the same for the same description");
        let second = names.give(&long);
        assert!(second.len() <= LIMIT && second != first);
        assert_ne!(names.give(&format!("{long}b")), names.give(&format!("{long}c")));
    }
}
