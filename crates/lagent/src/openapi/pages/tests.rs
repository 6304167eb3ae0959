//! Tests of finding further pages.

use serde_json::json;

use super::*;
use crate::openapi::document::Documents;
use crate::openapi::operation::Spot;
use crate::openapi::place::Place;
use crate::openapi::security::Schemes;

/// The next address and the hint, for an operation with one query parameter.
fn next(parameter: &str, url: &str, links: &[&str], value: Value) -> Option<(String, String)> {
    let root =
        json!({"get": {"parameters": [{"name": parameter, "in": "query", "schema": {"type": "string"}}]}});
    let documents = Documents::of(Place::of("a.json").expect("is a path"), root);
    let item = documents.root();
    let spot = Spot { method: "get", path: "/items", item, operation: item.get("get").expect("is there") };
    let operation = Operation::read(spot, "items".to_owned(), &Schemes::new()).expect("can be called");
    let outgoing = Outgoing::get(Url::parse(url).expect("is an address"));
    let links: Vec<String> = links.iter().map(|link| (*link).to_owned()).collect();
    let page = Page { operation: &operation, outgoing: &outgoing, links: &links, value: &value };
    page.next().map(|next| (next.outgoing.url.to_string(), next.hint))
}

fn pair(url: &str, argument: &str) -> Option<(String, String)> {
    Some((url.to_owned(), format!("(there are further pages: call again with {argument})")))
}

#[test]
fn links_in_headers() {
    let link = "<https://h/items?page=1>; rel=\"prev\", <https://h/items?page=3>; rel=\"next\"";
    let found = next("page", "https://h/items?page=2", &[link], json!([]));
    assert_eq!(found, pair("https://h/items?page=3", "page = \"3\""));
    let other = "<https://other/items?page=3>; rel=next";
    assert_eq!(next("page", "https://h/items?page=2", &[other], json!([])), None);
    let hidden = next("q", "https://h/items", &["<?token=x>; rel=next"], json!([]));
    assert_eq!(hidden, Some(("https://h/items?token=x".to_owned(), "(there are further pages)".to_owned())));
}

#[test]
fn cursors_and_addresses_in_answers() {
    let found = next(
        "cursor",
        "https://h/items?q=a&cursor=x",
        &[],
        json!({"response_metadata": {"next_cursor": "y="}}),
    );
    assert_eq!(found, pair("https://h/items?q=a&cursor=y%3D", "cursor = \"y=\""));
    let found = next("offset", "https://h/items", &[], json!({"next": "https://h/items?offset=20"}));
    assert_eq!(found, pair("https://h/items?offset=20", "offset = \"20\""));
    let stripe = json!({"has_more": true, "data": [{"id": "a"}, {"id": "b"}]});
    assert_eq!(
        next("starting_after", "https://h/items", &[], stripe),
        pair("https://h/items?starting_after=b", "starting_after = \"b\"")
    );
    for end in [
        json!({"next_cursor": ""}),
        json!({"has_more": false, "last_id": "b"}),
        json!({"cursor": "x"}),
        json!({}),
    ] {
        assert_eq!(next("cursor", "https://h/items?cursor=x", &[], end), None);
    }
}

#[test]
fn numbers_of_pages() {
    let found = next("page", "https://h/items", &[], json!({"total_pages": 3}));
    assert_eq!(found, pair("https://h/items?page=2", "page = \"2\""));
    assert_eq!(next("page", "https://h/items?page=3", &[], json!({"total_pages": 3})), None);
    assert_eq!(
        next("page", "https://h/items?page=3", &[], json!({"has_more": true})).map(|next| next.0).as_deref(),
        Some("https://h/items?page=4")
    );
    assert_eq!(next("page", "https://h/items", &[], json!([1])), None);
}

#[test]
fn pages_are_merged() {
    let earlier = json!({"items": [1, 2], "next_cursor": "a", "total": 3});
    let later = json!({"items": [3], "next_cursor": null, "total": 3});
    assert_eq!(merged(earlier, later), json!({"items": [1, 2, 3], "next_cursor": null, "total": 3}));
    let deep = merged(json!({"data": {"items": [1]}}), json!({"data": {"items": [2]}, "new": 1}));
    assert_eq!(deep, json!({"data": {"items": [1, 2]}, "new": 1}));
    assert_eq!(merged(json!([1]), json!([2])), json!([1, 2]));
    assert_eq!(merged(json!([1]), json!("x")), json!("x"));
}
