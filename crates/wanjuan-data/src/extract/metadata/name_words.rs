//! [`Names`]: the class, id and properties of an element; [`NameWords`]: what its class and id read like.

use html5ever::local_name;

use crate::extract::dom::{Dom, NodeId};

/// What an element is named, read in one pass over its attributes; empty where it has no such name.
#[derive(Clone, Copy, Default)]
pub(super) struct Names<'a> {
    class: &'a str,
    id: &'a str,
    /// Properties in microdata and in RDFa.
    properties: [&'a str; 2],
    /// `rel` of a link.
    relations: &'a str,
    /// `href` of a link.
    pub(super) address: Option<&'a str>,
}

impl<'a> Names<'a> {
    /// Reads the attributes of an element.
    pub(super) fn of(dom: &'a Dom, id: NodeId) -> Self {
        let mut names = Self::default();
        for (name, value) in dom.attributes(id) {
            match *name {
                local_name!("class") => names.class = value,
                local_name!("id") => names.id = value,
                local_name!("itemprop") => names.properties[0] = value,
                local_name!("property") => names.properties[1] = value,
                local_name!("rel") => names.relations = value,
                local_name!("href") => names.address = Some(value),
                _ => {}
            }
        }
        names
    }

    /// Whether the element has any property, as few do.
    pub(super) fn is_marked(self) -> bool {
        self.properties != ["", ""]
    }

    /// Whether the element has a property, with any prefix.
    pub(super) fn has_property(self, property: &str) -> bool {
        let mut stated = self.properties.into_iter().flat_map(str::split_whitespace);
        stated.any(|one| one.rsplit(':').next() == Some(property))
    }

    /// Whether `rel` contains a relation.
    pub(super) fn is_related(self, relation: &str) -> bool {
        self.relations.len() >= relation.len()
            && self.relations.split_whitespace().any(|one| one.eq_ignore_ascii_case(relation))
    }
}

/// Kinds of words in the class and id of an element.
#[derive(Clone, Copy, Default)]
pub(super) struct NameWords {
    /// It is named like a byline.
    pub(super) author: bool,
    /// Its class is named like that of the account that wrote something.
    pub(super) account: bool,
    /// It is named like a date of publication.
    pub(super) date: bool,
    /// It is named like a date of the last change.
    pub(super) modified: bool,
    /// It is named like something that is not about the page: comments, other pages.
    pub(super) foreign: bool,
    /// It is named like a column beside the content.
    pub(super) sidebar: bool,
    /// It is named like the caption of a picture.
    pub(super) caption: bool,
}

impl NameWords {
    /// Reads the class and id of an element.
    pub(super) fn of(names: Names<'_>) -> Self {
        let mut words = Self::default();
        words.scan(names.id.as_bytes());
        // The id of a field for the account of the reader says nothing.
        words.account = false;
        words.scan(names.class.as_bytes());
        words.modified &= !words.date;
        words.date |= words.modified;
        words
    }

    /// Looks at a name in one pass. The two letters at a position decide which words are compared there.
    fn scan(&mut self, name: &[u8]) {
        for (place, letters) in name.windows(2).enumerate() {
            let rest = &name[place..];
            let is = |word: &str| {
                rest.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()))
            };
            match &[letters[0] | 0x20, letters[1] | 0x20] {
                b"au" => self.author |= (is("author") && !is("authori")) || is("auteur") || is("autor"),
                b"by" => self.author |= is("byline"),
                b"wr" => self.author |= is("writtenby"),
                b"da" => self.date |= is("date") && !is("dateline") && !name[..place].ends_with(b"up"),
                b"pu" => self.date |= is("published") || is("pubtime"),
                b"po" => self.date |= is("posted"),
                b"co" => {
                    self.foreign |= is("comment");
                    self.author |= is("contributor");
                }
                b"ca" => self.caption |= is("caption"),
                b"cr" => self.caption |= is("credit"),
                b"mo" => self.modified |= is("modified"),
                b"re" => self.foreign |= is("related") || is("recommend"),
                b"si" => self.sidebar |= is("sidebar"),
                b"up" => self.modified |= is("update"),
                b"us" => self.account |= is("username"),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(class: &str) -> Vec<&'static str> {
        let dom = Dom::parse(&format!("<p class='{class}'>"));
        let body = dom.body().expect("a page has a body");
        let words = NameWords::of(Names::of(&dom, dom.children(body).next().expect("the paragraph")));
        let all = [
            (words.author, "author"),
            (words.account, "account"),
            (words.date, "date"),
            (words.modified, "modified"),
            (words.foreign, "foreign"),
            (words.sidebar, "sidebar"),
            (words.caption, "caption"),
        ];
        all.into_iter().filter(|(is, _)| *is).map(|(_, word)| word).collect()
    }

    #[test]
    fn words_anywhere_in_a_name_count() {
        for (class, expected) in [
            ("post-Author", vec!["author"]),
            ("meta__byline", vec!["author"]),
            ("authority-control", vec![]),
            ("username", vec!["account"]),
            ("entry-date published", vec!["date"]),
            ("entry-date updated", vec!["date"]),
            ("updated", vec!["date", "modified"]),
            ("last-modified", vec!["date", "modified"]),
            ("dateline", vec![]),
            ("comment-author", vec!["author", "foreign"]),
            ("widget_sidebar", vec!["sidebar"]),
            ("photo-credit", vec!["caption"]),
            ("content", vec![]),
        ] {
            assert_eq!(words(class), expected, "{class}");
        }
    }

    #[test]
    fn properties_with_and_without_prefixes() {
        let dom = Dom::parse("<p itemprop='a b' property='schema:c' class=x>");
        let body = dom.body().expect("a page has a body");
        let names = Names::of(&dom, dom.children(body).next().expect("the paragraph"));
        assert!(names.has_property("a") && names.has_property("b") && names.has_property("c"));
        assert!(!names.has_property("x") && !names.has_property("schema") && !names.has_property(""));
    }
}
