//! `DuckDuckGo`'s page for browsers without scripts, which needs no key.

use reqwest::Url;
use wanjuan_data::extract::{Dom, NodeId, WalkEvent};

use super::query::Query;
use crate::action::local::Failure;
use crate::action::web::hit::Hit;
use crate::action::web::http::Request;
use crate::action::web::provider::Provider;

/// Region of the results unless the owner names one: all.
const REGION: &str = "wt-wt";
/// Base of the addresses on the page.
const BASE: &str = "https://duckduckgo.com/";

/// Asks for the page of results and reads it.
pub(super) fn search(provider: &Provider, query: &Query<'_>) -> Result<Vec<Hit>, Failure> {
    let region = provider.text_or("region", REGION)?;
    let route = if provider.endpoint().ends_with("/html") { "/" } else { "" };
    let url = provider.url(route, &[("q", query.text.trim_matches('\'')), ("kl", region)])?;
    let page = Request::get(url).header("accept", "text/html").send(&query.context)?;
    hits(&String::from_utf8_lossy(&page))
}

/// The results on a page. Advertisements are left out.
fn hits(page: &str) -> Result<Vec<Hit>, Failure> {
    let dom = Dom::parse(page);
    let mut hits: Vec<Hit> = Vec::new();
    let mut is_kept = false;
    for id in elements(&dom) {
        if has_class(&dom, id, "anomaly-modal__title") {
            let message = "DuckDuckGo asks for a proof that a person is searching, expected results";
            return Err(Failure::service(message));
        }
        if has_class(&dom, id, "result__a") {
            let address = target(dom.attribute(id, "href").unwrap_or_default());
            is_kept = address.is_some();
            if let Some(url) = address {
                hits.push(Hit { url, title: line(&dom.text_below(id)), summary: String::new() });
            }
        } else if has_class(&dom, id, "result__snippet")
            && is_kept
            && let Some(hit) = hits.last_mut()
        {
            hit.summary = line(&dom.text_below(id));
        }
    }
    Ok(hits)
}

fn elements(dom: &Dom) -> impl Iterator<Item = NodeId> + '_ {
    dom.walk(dom.root()).filter_map(|event| match event {
        WalkEvent::Enter(id) => dom.tag(id).is_some().then_some(id),
        WalkEvent::Leave(_) => None,
    })
}

fn has_class(dom: &Dom, id: NodeId, class: &str) -> bool {
    dom.attribute(id, "class").is_some_and(|classes| classes.split_whitespace().any(|one| one == class))
}

/// The address that a link of the page leads to: it is in the parameter `uddg` of a redirect.
fn target(link: &str) -> Option<String> {
    let url = Url::parse(BASE).ok()?.join(link).ok()?;
    let is_own =
        url.host_str().is_some_and(|host| host == "duckduckgo.com" || host.ends_with(".duckduckgo.com"));
    if !is_own {
        return Some(url.to_string());
    }
    url.query_pairs().find(|(name, _)| name == "uddg").map(|(_, value)| value.into_owned())
}

/// A text on one line.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_through_a_redirect() {
        let page = "<div class='result result--ad'><a class=result__a href='https://duckduckgo.com/y.js?ad=1'>Ad</a>\
            <a class=result__snippet>Buy</a></div><div class=result><h2><a class='result__a x' \
            href='//duckduckgo.com/l/?uddg=https%3A%2F%2Frust%2Dlang.org%2F&rut=1'>Rust <b>language</b></a></h2>\
            <a class='result__snippet'>Fast\n and <b>safe</b>.</a></div>";
        let expected = Hit {
            url: "https://rust-lang.org/".to_owned(),
            title: "Rust language".to_owned(),
            summary: "Fast and safe.".to_owned(),
        };
        assert_eq!(hits(page), Ok(vec![expected]));
        assert!(hits("<div class=anomaly-modal__title>Select all ducks</div>").is_err());
    }
}
