//! [`Metadata`]: chooses among the statements of a page: JSON-LD first, then Open Graph and meta tags, microdata, and
//! the markup last.

use super::author::{AUTHOR, names};
use super::json_ld::{self, JsonLd};
use super::page::Page;
use super::{date, license, title};
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
    "dc:date",
    "dcterms:date",
    "citation_publication_date",
    "citation_date",
    "sailthru:date",
    "article:published",
    "publish-date",
    "publish_date",
    "publication_date",
    "pubdate",
    "date",
    "article:post_date",
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
    /// Reads the metadata of a page in one walk over it.
    #[must_use]
    pub fn of(dom: &Dom) -> Self {
        let page = Page::read(dom);
        let scripts = json_ld::parse_all(&page.json_ld);
        let linked = JsonLd::of(&scripts);
        let site = linked.publisher();
        let site = site.or_else(|| page.meta(SITE)).or_else(|| linked.site());
        let site = site.or_else(|| page.meta(SITE_OF_APPLICATION));
        let language = page.language.clone().or_else(|| page.meta(LANGUAGE));
        let language = language.or_else(|| linked.text("inLanguage"));
        Self {
            title: Self::title(&page, &linked, site.as_deref()),
            author: Self::author(&page, &linked),
            date: Self::date(&page, &linked, language.as_deref()),
            license: license::choose(&page, linked.text("license"), page.meta(LICENSE)),
            site,
            language,
        }
    }

    fn title(page: &Page, linked: &JsonLd<'_>, site: Option<&str>) -> Option<String> {
        let element = page.title.as_deref().unwrap_or_default();
        let stated = linked.title(element).or_else(|| page.meta(TITLE)).or_else(|| page.headline.clone());
        match stated {
            Some(title) => Some(title::without_site(&title, site, &page.headings)),
            None => title::of_element(element, site, &page.headings),
        }
    }

    fn author(page: &Page, linked: &JsonLd<'_>) -> Option<String> {
        let of_meta = |name: &&str| names(page.metas_of(name));
        let linked = linked.authors();
        names(linked.iter().map(String::as_str))
            .or_else(|| AUTHOR.iter().find_map(of_meta))
            .or_else(|| page.byline())
    }

    fn date(page: &Page, linked: &JsonLd<'_>, language: Option<&str>) -> Option<String> {
        let order = date::Order::of_language(language);
        let read = |text: &str| date::read(text, order);
        let mut members = ["datePublished", "dateCreated", "uploadDate"].iter();
        members
            .find_map(|key| linked.text(key).as_deref().and_then(read))
            .or_else(|| DATE.iter().flat_map(|name| page.metas_of(name)).find_map(read))
            .or_else(|| page.dates().find_map(read))
            .or_else(|| page.address.as_deref().and_then(date::of_address))
    }
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
