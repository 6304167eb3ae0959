//! `GET /v1/responses/{response_id}/input_items`: what a stored response was asked with, page by page.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Map, Value};

use super::App;
use super::failure::Failure;
use super::query::Query;
use super::responses::{INCLUDE, NOT_MORE, not_found, read_id};
use crate::protocol::responses::InputItemList;
use crate::{Error, Result};

/// Number of items of a page when the request does not say it, as OpenAI.
const LIMIT: usize = 20;
/// Maximum number of items of a page, as OpenAI.
const MAX_LIMIT: usize = 100;

/// Which items are asked for.
#[derive(Debug, Eq, PartialEq)]
struct Page<'q> {
    limit: usize,
    order: Order,
    /// Name of the item in front of the first one.
    after: Option<&'q str>,
}

/// Which items come first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    OldestFirst,
    NewestFirst,
}

/// Answers with a page of items.
pub(super) async fn list(
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Json<InputItemList>, Failure> {
    let id = read_id(id)?;
    let query = Query::read(query.as_deref())?;
    let page = Page::read(&query)?;
    let items = app.store.input_items(&id).ok_or_else(|| not_found(&id))?;
    Ok(Json(page.of(items)?))
}

impl<'q> Page<'q> {
    fn read(query: &'q Query) -> Result<Self> {
        query.refuse(&[INCLUDE], NOT_MORE)?;
        let limit = match query.one("limit")? {
            None => LIMIT,
            Some(text) => {
                let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                let wrong = || format!("found `{text}`, expected a whole number from 1 to {MAX_LIMIT}");
                limit.ok_or_else(|| Error::field("limit", wrong()))?
            }
        };
        let order = match query.one("order")? {
            None | Some("desc") => Order::NewestFirst,
            Some("asc") => Order::OldestFirst,
            Some(other) => {
                return Err(Error::field("order", format!("found `{other}`, expected `asc` or `desc`")));
            }
        };
        Ok(Self { limit, order, after: query.one("after")? })
    }

    /// The page of all items, of which the oldest comes first.
    fn of(&self, mut items: Vec<Map<String, Value>>) -> Result<InputItemList> {
        if self.order == Order::NewestFirst {
            items.reverse();
        }
        if let Some(after) = self.after {
            let named = |item: &Map<String, Value>| item.get("id").is_some_and(|name| name == after);
            let place = items.iter().position(named).ok_or_else(|| Error::Refused {
                status: 404,
                message: format!("Item with id '{after}' not found."),
                param: Some("after".to_owned()),
            })?;
            items.drain(..=place);
        }
        let has_more = items.len() > self.limit;
        items.truncate(self.limit);
        Ok(InputItemList { has_more, ..InputItemList::new(items) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(query: &str, items: usize) -> Result<(Vec<String>, bool)> {
        let query = Query::read(Some(query)).expect("a query");
        let item = |index| Map::from_iter([("id".to_owned(), json!(format!("i{index}")))]);
        let page = Page::read(&query)?.of((0..items).map(item).collect())?;
        let ids: Vec<String> =
            page.data.iter().map(|item| item["id"].as_str().expect("text").to_owned()).collect();
        assert_eq!(page.first_id, ids.first().cloned().unwrap_or_default());
        assert_eq!(page.last_id, ids.last().cloned().unwrap_or_default());
        Ok((ids, page.has_more))
    }

    #[test]
    fn pages_follow_each_other_in_both_orders() {
        for (query, expected, has_more) in [
            ("", vec!["i2", "i1", "i0"], false),
            ("order=asc&limit=2", vec!["i0", "i1"], true),
            ("order=asc&limit=2&after=i1", vec!["i2"], false),
            ("order=desc&limit=2", vec!["i2", "i1"], true),
            ("limit=2&after=i1", vec!["i0"], false),
            ("after=i0", vec![], false),
        ] {
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            assert_eq!(names(query, 3).expect(query), (expected, has_more), "{query}");
        }
        assert_eq!(names("", 30).map(|(ids, more)| (ids.len(), more)).expect("a page"), (20, true));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (query, message) in [
            ("limit=0", "limit: found `0`, expected a whole number from 1 to 100"),
            ("limit=101", "limit: found `101`, expected a whole number from 1 to 100"),
            ("limit=", "limit: found ``, expected a whole number from 1 to 100"),
            ("limit=1&limit=2", "limit: found twice, expected once"),
            ("order=up", "order: found `up`, expected `asc` or `desc`"),
            ("include[]=x", "include: expected the parameter to be absent: it is shown as it was answered"),
        ] {
            assert_eq!(names(query, 3).expect_err(query).to_string(), message);
        }
        let absent = names("after=i7", 3).expect_err("is not there");
        assert!(matches!(absent, Error::Refused { status: 404, .. }), "{absent}");
    }
}
