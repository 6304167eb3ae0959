//! [`Site`]: the names of the site of a page, which its titles and bylines may contain.

/// Names of the site, as the page states them and as its address has them.
#[derive(Default)]
pub(super) struct Site {
    /// Stated names, the surest first.
    names: Vec<String>,
    /// Letters of the stated names.
    letters: Vec<String>,
    /// Letters of the host: `example` and `exampleorg` for `https://www.example.org/`.
    host: Option<(String, String)>,
    /// Whether the page is the first one of the site.
    is_home: bool,
}

/// Minimum length of a host's name that stands for the site when more words follow it, in bytes.
const MIN_HOST: usize = 3;

/// Maximum number of words of a part of a title that begins with the host's name.
const MAX_WORDS: usize = 3;

impl Site {
    /// Takes the stated names, the surest first, and the address of the page.
    pub(super) fn new(names: impl IntoIterator<Item = String>, address: Option<&str>) -> Self {
        let names: Vec<String> = names.into_iter().collect();
        let letters = names.iter().map(|name| letters(name)).filter(|name| !name.is_empty()).collect();
        let (host, path) = address.map_or(("", "/"), host_and_path);
        let is_home = path.trim_matches('/').is_empty() && !host.is_empty();
        Self { names, letters, host: host_letters(host), is_home }
    }

    /// The surest of the stated names.
    pub(super) fn name(&self) -> Option<&str> {
        self.names.first().map(String::as_str)
    }

    /// All stated names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// Whether the page is the first one of the site, whose title is the name of the site.
    pub(super) fn is_home(&self) -> bool {
        self.is_home
    }

    /// Whether a text is a name of the site, apart from case, spaces and punctuation.
    pub(super) fn is(&self, text: &str) -> bool {
        let text = letters(text);
        self.letters.contains(&text)
            || self.host.as_ref().is_some_and(|(name, host)| *name == text || *host == text)
    }

    /// Whether a part of a title is a name of the site, or begins with the name of its host.
    pub(super) fn begins(&self, part: &str) -> bool {
        let short = part.split_whitespace().count() <= MAX_WORDS;
        let begins = |name: &str| name.len() >= MIN_HOST && letters(part).starts_with(name);
        self.is(part) || (short && self.host.as_ref().is_some_and(|(name, _)| begins(name)))
    }
}

/// Letters and digits of a text in lower case.
pub(super) fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether an address leads to the first page of a site, as logos do.
pub(super) fn is_first_page(address: &str) -> bool {
    let (_, path) = host_and_path(address);
    !address.is_empty() && matches!(path.trim_matches('/'), "" | "." | "index.html")
}

/// Host and path of an address; an address without a host has none.
fn host_and_path(address: &str) -> (&str, &str) {
    let Some((_, rest)) = address.split_once("://") else { return ("", address) };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let path = rest[end..].split(['?', '#']).next().unwrap_or_default();
    (rest[..end].split(':').next().unwrap_or_default(), path)
}

/// Letters of the longest label before the top-level domain, and of the whole host.
fn host_letters(host: &str) -> Option<(String, String)> {
    let host = host.strip_prefix("www.").unwrap_or(host);
    let (labels, _) = host.rsplit_once('.')?;
    let name = labels.split('.').rev().max_by_key(|label| label.len())?;
    Some((letters(name), letters(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_their_letters() {
        let site = Site::new(["The Shore".to_owned()], Some("https://www.shore-news.example/a/b"));
        for (text, is) in [
            ("The Shore", true),
            ("THE SHORE!", true),
            ("Shore News", true),
            ("shore-news.example", true),
            ("Shore", false),
            ("", false),
        ] {
            assert_eq!(site.is(text), is, "{text}");
        }
        assert!(site.begins("Shore-News US") && !site.begins("Shore news of the whole week"));
        assert_eq!((site.name(), site.is_home()), (Some("The Shore"), false));
        assert!(Site::new([], Some("https://example.org/?a")).is_home());
        assert!(!Site::new([], Some("/")).is_home() && !Site::default().is(""));
    }

    #[test]
    fn first_pages() {
        for address in ["/", "./", "/index.html", "https://example.org", "https://example.org/?a"] {
            assert!(is_first_page(address), "{address}");
        }
        for address in ["", "#top", "/a", "https://example.org/a", "a"] {
            assert!(!is_first_page(address), "{address}");
        }
    }

    #[test]
    fn names_of_hosts() {
        for (host, expected) in [
            ("www.example.org", Some(("example", "exampleorg"))),
            ("news.shore.example", Some(("shore", "newsshoreexample"))),
            ("shore.co.uk", Some(("shore", "shorecouk"))),
            ("localhost", None),
            ("", None),
        ] {
            let found = host_letters(host);
            let found = found.as_ref().map(|(name, host)| (name.as_str(), host.as_str()));
            assert_eq!(found, expected, "{host}");
        }
    }
}
