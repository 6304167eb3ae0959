//! The articles of an Atom feed (RFC 4287), as far as arxiv.org fills it.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};
use quick_xml::reader::Reader;

/// The author of what the service says instead of articles.
const REFUSING: &str = "arXiv api core";

/// One `entry` of a feed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Article {
    pub(super) updated: String,
    pub(super) title: String,
    pub(super) summary: String,
    pub(super) authors: Vec<String>,
}

/// Reads the articles of a feed.
///
/// # Errors
/// What is wrong with the feed, or the message that it holds instead of articles.
pub(super) fn articles(feed: &str) -> Result<Vec<Article>, String> {
    let mut reader = Reader::from_str(feed);
    reader.config_mut().expand_empty_elements = true;
    let (mut path, mut articles): (Vec<String>, Vec<Article>) = (Vec::new(), Vec::new());
    let mut text = String::new();
    let mut is_feed = false;
    loop {
        let event = reader.read_event().map_err(|error| format!("found {error}, expected an Atom feed"))?;
        match event {
            Event::Start(start) => {
                let name = AsRef::<str>::as_ref(&start.local_name()).to_owned();
                is_feed |= path.is_empty() && name == "feed";
                if name == "entry" {
                    articles.push(Article::default());
                }
                path.push(name);
                text.clear();
            }
            Event::Text(part) => text.push_str(&part.xml10_content()),
            Event::CData(part) => text.push_str(&part.xml10_content()),
            Event::GeneralRef(reference) => text.push_str(&resolved(&reference)),
            Event::End(_) => {
                if let Some(article) = articles.last_mut() {
                    article.take(&path, &text);
                }
                path.pop();
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    if !is_feed {
        return Err("found another document, expected an Atom feed".to_owned());
    }
    // The service reports a wrong query as an article with the title `Error`.
    match articles.as_slice() {
        [only] if only.title == "Error" && only.authors.iter().all(|author| author == REFUSING) => {
            Err(only.summary.clone())
        }
        _ => Ok(articles),
    }
}

impl Article {
    /// Keeps the text of the element that just ended, if it is one of those that count.
    fn take(&mut self, path: &[String], text: &str) {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            [.., "entry", "updated"] => self.updated = line(text),
            [.., "entry", "title"] => self.title = line(text),
            [.., "entry", "summary"] => text.trim().clone_into(&mut self.summary),
            [.., "entry", "author", "name"] => self.authors.push(line(text)),
            _ => {}
        }
    }
}

/// A text on one line: feeds break long titles.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The characters of a reference such as `&amp;` or `&#233;`; an unknown one stays as it is.
fn resolved(reference: &BytesRef<'_>) -> String {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character.to_string();
    }
    let name: &str = reference;
    resolve_predefined_entity(name).map_or_else(|| format!("&{name};"), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_with_their_references() {
        let feed = "<?xml version=\"1.0\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><title>q</title>\
            <entry><updated>2024-03-26T12:00:00Z</updated><title>Deep\n  &amp; wide</title>\
            <summary> Caf&#233; <![CDATA[<x>]]> </summary><author><name>A B</name></author>\
            <author><name>C</name></author></entry></feed>";
        let expected = Article {
            updated: "2024-03-26T12:00:00Z".to_owned(),
            title: "Deep & wide".to_owned(),
            summary: "Café <x>".to_owned(),
            authors: vec!["A B".to_owned(), "C".to_owned()],
        };
        assert_eq!(articles(feed), Ok(vec![expected]));
        assert_eq!(articles("<feed/>"), Ok(Vec::new()));
    }

    #[test]
    fn other_documents_and_refusals_are_errors() {
        assert_eq!(
            articles("<html></html>").expect_err("a page"),
            "found another document, expected an Atom feed"
        );
        assert!(articles("<feed><entry></feed>").is_err());
        let refused =
            "<feed><entry><title>Error</title><summary>incorrect id format</summary></entry></feed>";
        assert_eq!(articles(refused), Err("incorrect id format".to_owned()));
    }
}
