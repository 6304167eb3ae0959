//! [`Pattern`]: path globs with `*`, `?` and `**`.

/// A glob over `/`-separated paths: `?` is one byte and `*` any number of them inside a part, `**` as a
/// whole part is any number of parts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    /// Compiles `text`; every text is a pattern.
    pub(super) fn new(text: &str) -> Self {
        Self { parts: text.split('/').map(str::to_owned).collect() }
    }

    /// Whether the whole `path` matches.
    pub(super) fn matches(&self, path: &str) -> bool {
        let path: Vec<&str> = path.split('/').collect();
        let parts: Vec<&str> = self.parts.iter().map(String::as_str).collect();
        wildcard(
            &parts,
            &path,
            |part| *part == "**",
            |part, name| {
                wildcard(part.as_bytes(), name.as_bytes(), |c| *c == b'*', |c, d| *c == b'?' || c == d)
            },
        )
    }
}

/// Greedy matching with one backtracking point: linear for one star, quadratic at worst.
fn wildcard<P, T>(
    pattern: &[P],
    text: &[T],
    is_star: impl Fn(&P) -> bool,
    same: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if p < pattern.len() && is_star(&pattern[p]) {
            retry = Some((p, t));
            p += 1;
        } else if p < pattern.len() && same(&pattern[p], &text[t]) {
            p += 1;
            t += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            p = star + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(is_star)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (pattern, path, expected) in [
            ("**", "a/b/c.html", true),
            ("book/**/*.html", "book/ch01-01.html", true),
            ("book/*.html", "book/old/ch01.html", false),
            ("**/*.html", "c.html", true),
            ("a/**/c.html", "a/c.html", true),
            ("a/**/c.html", "a/x/y/c.html", true),
            ("a/**/c.html", "b/x/c.html", false),
            ("*/c.?tml", "a/c.html", true),
            ("*", "a/b", false),
            ("**/arch/**", "core/arch/x86/fn.html", true),
            ("**/fn.*.html", "std/mem/fn.swap.html", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(path), expected, "{pattern} {path}");
        }
    }
}
