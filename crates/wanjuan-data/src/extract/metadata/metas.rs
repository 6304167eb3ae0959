//! [`Metas`]: the meta tags of a page, by name.

use super::text::{clean, decoded};
use crate::extract::dom::{Dom, NodeId};

/// Meta tags by `property`, and those by another attribute.
#[derive(Default)]
pub(super) struct Metas([Vec<Meta>; 2]);

/// A meta tag.
struct Meta {
    /// In lower case, `:` for `.`.
    name: String,
    content: String,
}

impl Metas {
    /// Takes a meta tag if it has a name and a content.
    pub(super) fn look_at(&mut self, dom: &Dom, id: NodeId) {
        let Some(content) = dom.attribute(id, "content").and_then(|text| clean(&decoded(text))) else {
            return;
        };
        for (place, attribute) in ["property", "name", "itemprop", "http-equiv"].into_iter().enumerate() {
            let names = dom.attribute(id, attribute).unwrap_or_default();
            for name in names.split_whitespace() {
                let name = name.to_ascii_lowercase().replace('.', ":");
                self.0[place.min(1)].push(Meta { name, content: content.clone() });
            }
        }
    }

    /// Content of the first meta tag with one of the names; earlier names are preferred.
    pub(super) fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.of(name).next()).map(str::to_owned)
    }

    /// Contents of the meta tags with a name: those by `property`, else the others.
    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = &str> {
        let has = |metas: &&Vec<Meta>| metas.iter().any(|meta| meta.name == name);
        let metas = self.0.iter().find(has).into_iter().flatten();
        metas.filter(move |meta| meta.name == name).map(|meta| meta.content.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_come_before_names_and_contents_are_decoded() {
        let dom = Dom::parse(
            "<meta name=a.b content=1><meta property='A:B c' content=' Tom &amp;amp;\n Jerry '><meta name=d>",
        );
        let mut metas = Metas::default();
        for event in dom.walk(dom.root()) {
            if let crate::extract::dom::WalkEvent::Enter(id) = event
                && dom.tag(id) == Some("meta")
            {
                metas.look_at(&dom, id);
            }
        }
        assert_eq!(metas.first(&["x", "a:b"]).as_deref(), Some("Tom & Jerry"));
        assert_eq!(metas.of("a:b").count(), 1, "those by property hide the others");
        assert_eq!((metas.of("c").count(), metas.of("d").count()), (1, 0));
    }
}
