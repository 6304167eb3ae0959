//! [`choose`]: the license of a page, by name where it is a Creative Commons license.

use super::page::Page;

/// Prefers links with `rel=license`, then JSON-LD (`linked`) and meta tags, then the Creative Commons license that
/// links lead to, if they agree on one.
pub(super) fn choose(page: &Page, linked: Option<String>, meta: Option<String>) -> Option<String> {
    let stated = page.licenses.iter().find_map(|address| creative_commons(address));
    let stated = stated.or_else(|| linked.map(|text| creative_commons(&text).unwrap_or(text)));
    let stated = stated.or_else(|| meta.and_then(|text| creative_commons(&text).or_else(|| terms(text))));
    stated.or_else(|| page.licenses.iter().find(|address| address.contains("://")).cloned()).or_else(|| {
        let mut licenses = page.creative_commons.iter().filter_map(|address| creative_commons(address));
        let first = licenses.next()?;
        licenses.all(|other| other == first).then_some(first)
    })
}

/// A statement of rights, if it names terms and not just the holder.
fn terms(text: String) -> Option<String> {
    let lower = text.to_lowercase();
    let words = ["licen", "lizenz", "creative commons", "public domain", "rights reserved", "://"];
    let names_terms = words.iter().any(|word| lower.contains(word)) || text.starts_with("CC");
    names_terms.then_some(text)
}

/// `CC BY-NC-SA 3.0 DE` for `https://creativecommons.org/licenses/by-nc-sa/3.0/de/`.
fn creative_commons(address: &str) -> Option<String> {
    let (_, path) = address.split_once("creativecommons.org/")?;
    let mut parts = path.split(['/', '?', '#']);
    let (kind, code) = (parts.next()?, parts.next()?);
    let version = parts.next().filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    let country = parts.next().filter(|part| part.len() == 2);
    let name = match (kind, code) {
        ("publicdomain", "zero") => "CC0".to_owned(),
        ("publicdomain", "mark") => "Public Domain Mark".to_owned(),
        ("licenses", code) if code.starts_with("by") || code.starts_with("nc") || code.starts_with("sa") => {
            format!("CC {}", code.to_ascii_uppercase())
        }
        _ => return None,
    };
    let parts = [Some(name), version.map(str::to_owned), country.map(str::to_ascii_uppercase)];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creative_commons_addresses_become_names() {
        let of =
            |path: &str| creative_commons(&format!("http://creativecommons.org/{path}")).unwrap_or_default();
        assert_eq!(of("licenses/by-nc-sa/3.0/de/"), "CC BY-NC-SA 3.0 DE");
        assert_eq!(of("licenses/by/4.0/deed.de"), "CC BY 4.0");
        assert_eq!(of("publicdomain/zero/1.0/"), "CC0 1.0");
        assert_eq!(of("about/"), "");
        assert_eq!(of(""), "");
    }

    fn page(licenses: &[&str], links: &[&str]) -> Page {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let mut page = Page::default();
        (page.licenses, page.creative_commons) = (owned(licenses), owned(links));
        page
    }

    const BY: &str = "https://creativecommons.org/licenses/by/4.0/";
    const BY_SA: &str = "https://creativecommons.org/licenses/by-sa/4.0/";

    #[test]
    fn sources_in_their_order() {
        let text = |text: &str| Some(text.to_owned());
        let cases = [
            (page(&[BY], &[BY_SA]), text(BY_SA), text("CC0"), Some("CC BY 4.0")),
            (page(&["https://example.org/terms"], &[]), text(BY_SA), None, Some("CC BY-SA 4.0")),
            (page(&["https://example.org/terms"], &[]), text("MIT"), None, Some("MIT")),
            (page(&["https://example.org/terms"], &[]), None, text("CC BY"), Some("CC BY")),
            (page(&["https://example.org/terms"], &[BY]), None, None, Some("https://example.org/terms")),
            (page(&["/terms"], &[BY]), None, None, Some("CC BY 4.0")),
            (page(&[], &[BY, BY]), None, None, Some("CC BY 4.0")),
            (page(&[], &[BY, BY_SA]), None, None, None),
            (page(&[], &[]), None, text("The Shore Ltd"), None),
            (page(&[], &[]), None, text("All Rights Reserved"), Some("All Rights Reserved")),
            (page(&[], &[]), None, text("Lizenz: frei"), Some("Lizenz: frei")),
            (page(&[], &[]), None, None, None),
        ];
        for (page, linked, meta, expected) in cases {
            let found = choose(&page, linked.clone(), meta.clone());
            assert_eq!(found.as_deref(), expected, "{:?} {linked:?} {meta:?}", page.licenses);
        }
    }
}
