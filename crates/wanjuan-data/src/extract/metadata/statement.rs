//! [`Metadata`]: chooses among the statements of a page: JSON-LD first, then Open Graph and meta tags, microdata, and
//! the markup last.

use super::author::{self, AUTHOR};
use super::json_ld::{self, JsonLd};
use super::page::Page;
use super::site::Site;
use super::{date, license, name, title};
use crate::extract::dom::Dom;

/// Title, author, date, site, language and license as the page states them. A field is `None` if the page does not
/// state it.
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
pub struct Metadata {
    /// Title without the name of the site.
    pub title: Option<String>,
    /// Names of the authors, joined by `, `.
    pub author: Option<String>,
    /// Date of publication in ISO 8601: `2024-05-01` or `2024-05-01T12:30:00+02:00`.
    pub date: Option<String>,
    /// Name of the site or publisher.
    pub site: Option<String>,
    /// Language tag, from the `html` element if it has one: `en-US`.
    pub language: Option<String>,
    /// `CC BY-SA 4.0` for a Creative Commons license, else the terms or their address as stated.
    pub license: Option<String>,
}

/// Meta tags with the title, by name or property, with `:` for `.`. In this and the following lists earlier names
/// are preferred.
const TITLE: &[&str] = &[
    "dc:title",
    "dcterm:title",
    "dcterms:title",
    "og:title",
    "weibo:article:title",
    "citation_title",
    "title",
    "twitter:title",
    "parsely-title",
    "sailthru:title",
];
/// Meta tags with the date of publication.
const DATE: &[&str] = &[
    "article:published_time",
    "og:published_time",
    "og:article:published_time",
    "parsely-pub-date",
    "datepublished",
    "datecreated",
    "dc:date:issued",
    "dcterms:issued",
    "dc:date:created",
    "dcterms:created",
    "citation_publication_date",
    "citation_date",
    "sailthru:date",
    "article:published",
    "publish-date",
    "publish_date",
    "publication_date",
    "pubdate",
    "published",
    "uploaddate",
    "article:post_date",
];
/// Meta tags with a date that do not say of what. Some publishers state the last change of anything on the page.
const MERE_DATE: &[&str] = &["dc:date", "dcterms:date", "date"];
/// Meta tags with the date of the last change.
const MODIFIED: &[&str] = &[
    "article:modified_time",
    "og:updated_time",
    "datemodified",
    "dcterms:modified",
    "dc:date:modified",
    "last-modified",
];
/// Meta tags with the name of the site.
const SITE: &[&str] = &["og:site_name", "og:site"];
/// Meta tags with the name of the site as an application, often an abbreviation.
const SITE_OF_APPLICATION: &[&str] = &["application-name", "apple-mobile-web-app-title"];
/// Meta tags with the language.
const LANGUAGE: &[&str] = &["content-language", "dc:language", "dcterms:language", "og:locale"];
/// Meta tags with the license or the rights.
const LICENSE: &[&str] = &["dcterms:license", "dc:rights", "dcterms:rights", "license"];

impl Metadata {
    /// Reads the metadata of a page.
    #[must_use]
    pub fn of(dom: &Dom) -> Self {
        let page = Page::read(dom);
        let scripts = json_ld::parse_all(&page.json_ld);
        let linked = JsonLd::of(&scripts);
        let names = [
            linked.publisher(),
            page.metas.first(SITE),
            linked.site(),
            page.metas.first(SITE_OF_APPLICATION),
        ];
        let address = page.address.clone().or_else(|| page.metas.first(&["og:url"]));
        let site = Site::new(names.into_iter().flatten(), address.as_deref());
        let language = page.language.clone().or_else(|| page.metas.first(LANGUAGE));
        let language = language.or_else(|| linked.text("inLanguage"));
        Self {
            title: Self::title(&page, &linked, &site),
            author: Self::author(&page, &linked, &site),
            date: Self::date(&page, &linked, address.as_deref(), language.as_deref()),
            license: license::choose(&page, linked.text("license"), page.metas.first(LICENSE)),
            site: site.name().map(str::to_owned),
            language,
        }
    }

    fn title(page: &Page, linked: &JsonLd<'_>, site: &Site) -> Option<String> {
        let element = page.headings.title.as_deref().unwrap_or_default();
        let metas = TITLE.iter().filter_map(|name| page.metas.first(&[name]));
        let stated = linked.title(element).into_iter().chain(metas).chain(page.headline.clone());
        let card = page.metas.first(&["og:title"]);
        title::choose(stated, card.as_deref(), &page.headings, site)
    }

    fn author(page: &Page, linked: &JsonLd<'_>, site: &Site) -> Option<String> {
        let linked = linked.authors();
        let mut statements = vec![author::names(linked.iter().map(String::as_str))];
        statements.extend(AUTHOR.iter().map(|name| author::names(page.metas.of(name))));
        statements.extend(labelled(page).map(|name| author::names([name])));
        statements.extend(page.bylines());
        author::choose(&statements, site)
    }

    fn date(
        page: &Page,
        linked: &JsonLd<'_>,
        address: Option<&str>,
        language: Option<&str>,
    ) -> Option<String> {
        let order = date::Order::of_language(language);
        let read = |text: &str| date::read(text, order);
        let linked = |key: &&str| linked.text(key).as_deref().and_then(read);
        let metas = |names: &[&str]| names.iter().flat_map(|name| page.metas.of(name)).find_map(read);
        let published = ["datePublished", "dateCreated", "uploadDate"].iter().find_map(linked);
        let published = published.or_else(|| metas(DATE));
        let stated = published.clone().or_else(|| metas(MERE_DATE));
        // The date that readers see beside the heading, if it contradicts what is stated: it counts more than a mere
        // date, and together with another statement more than one about the publication.
        let visible = page.date_beside_heading().and_then(read).filter(|visible| {
            let is_same = |date: &String| date::is_same_day(date, visible);
            let meta = |name: &&str| page.metas.of(name).filter_map(read).any(|date| is_same(&date));
            let repeated = || {
                DATE.iter().chain(MERE_DATE).any(meta)
                    || page.marked_dates().find_map(read).is_some_and(|date| is_same(&date))
            };
            stated.as_ref().is_some_and(|date| !is_same(date)) && (published.is_none() || repeated())
        });
        visible
            .or(stated)
            .or_else(|| page.dates().find_map(read))
            .or_else(|| address.and_then(date::of_address))
            // The last change is the only date that many pages state. It is not before the publication.
            .or_else(|| linked(&"dateModified"))
            .or_else(|| metas(MODIFIED))
            .or_else(|| page.modified().find_map(read))
            .or_else(|| page.date_without_heading().and_then(read))
    }
}

/// The name on a card in social networks whose label says that it is that of the author: `Written by`.
fn labelled(page: &Page) -> Option<&str> {
    let is_author = |label: &str| page.metas.of(label).any(name::is_lead);
    let cards = [("twitter:label1", "twitter:data1"), ("twitter:label2", "twitter:data2")];
    cards.into_iter().find(|(label, _)| is_author(label)).and_then(|(_, data)| page.metas.of(data).next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_ld_comes_before_meta_tags_and_markup() {
        let dom = Dom::parse(
            r#"<html lang="en"><title>Birds | Site</title><meta property="og:title" content="Birds">
            <meta name=author content=Someone><meta property="og:site_name" content="Site">
            <script type="application/ld+json">{"@graph":[{"@type":"Article","author":{"name":"Ada"},
            "datePublished":"2024-05-01"}]}</script>"#,
        );
        let metadata = Metadata::of(&dom);
        let text = |field: &Option<String>| field.clone().unwrap_or_default();
        assert_eq!((text(&metadata.title), text(&metadata.author)), ("Birds".into(), "Ada".into()));
        assert_eq!((text(&metadata.date), text(&metadata.site)), ("2024-05-01".into(), "Site".into()));
        assert_eq!(text(&metadata.language), "en");
    }
}
