//! Further pages of a list: by a `Link` header, by an address or a cursor in the answer, or by the number of a page.

use reqwest::Url;
use serde_json::Value;

use super::exchange::Outgoing;
use super::operation::Operation;
use super::parameter::{Location, Parameter};
use super::percent::{Keep, decoded, encoded};

/// Where answers have the address of the next page.
const ADDRESSES: &[&str] = &[
    "/next",
    "/next_url",
    "/nextUrl",
    "/nextLink",
    "/@odata.nextLink",
    "/next_page_url",
    "/links/next",
    "/links/next/href",
    "/_links/next",
    "/_links/next/href",
    "/paging/next",
    "/pagination/next",
    "/pagination/next_url",
    "/meta/next",
    "/meta/pagination/links/next",
];
/// Where answers have the cursor of the next page.
const CURSORS: &[&str] = &[
    "/next_cursor",
    "/nextCursor",
    "/nextPageToken",
    "/next_page_token",
    "/nextToken",
    "/NextToken",
    "/next_token",
    "/response_metadata/next_cursor",
    "/meta/next_cursor",
    "/meta/next_token",
    "/pagination/next_cursor",
    "/paging/cursors/after",
    "/paging/next/after",
    "/metadata/continue",
    "/continuationToken",
    "/continuation",
    "/cursor",
    "/end_cursor",
    "/next",
    "/last_id",
];
/// Parameters that take a cursor.
const CURSOR_PARAMETERS: &[&str] = &[
    "cursor",
    "after",
    "pageToken",
    "page_token",
    "nextToken",
    "NextToken",
    "next_token",
    "next_cursor",
    "continue",
    "continuationToken",
    "continuation",
    "start_cursor",
    "starting_after",
    "pagination_token",
    "page[cursor]",
    "page[after]",
];
/// Parameters that take the number of a page.
const PAGE_PARAMETERS: &[&str] =
    &["page", "page_number", "pageNumber", "PageNumber", "page_num", "pageNum", "pageNo", "page[number]"];
/// Where answers say that there is another page.
const MORE: &[&str] = &[
    "/has_more",
    "/hasMore",
    "/has_next",
    "/hasNext",
    "/has_next_page",
    "/hasNextPage",
    "/meta/has_more",
    "/pagination/has_more",
    "/pagination/has_next",
];
/// Where answers say how many pages there are.
const TOTALS: &[&str] = &[
    "/total_pages",
    "/totalPages",
    "/page_count",
    "/pageCount",
    "/last_page",
    "/pages",
    "/meta/total_pages",
    "/meta/last_page",
    "/meta/pagination/total_pages",
    "/pagination/total_pages",
    "/pagination/totalPages",
    "/pagination/pages",
    "/paging/total_pages",
];

/// One page that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'a> {
    pub(super) operation: &'a Operation,
    pub(super) outgoing: &'a Outgoing,
    /// The `Link` headers of the answer.
    pub(super) links: &'a [String],
    pub(super) value: &'a Value,
}

/// The page after it.
#[derive(Clone, Debug)]
pub(super) struct NextPage {
    pub(super) outgoing: Outgoing,
    /// What the model changes in its call to read this page.
    pub(super) hint: String,
}

impl<'a> Page<'a> {
    /// The page after this one; `None` if the answer does not say that there is one.
    pub(super) fn next(self) -> Option<NextPage> {
        let url = self.linked().or_else(|| self.by_cursor()).or_else(|| self.by_number())?;
        // The request has keys in its headers, and a page that leads to itself would never end.
        if url.origin() != self.outgoing.url.origin() || url == self.outgoing.url {
            return None;
        }
        let hint = self.hint(&url);
        Some(NextPage { outgoing: Outgoing { url, ..self.outgoing.clone() }, hint })
    }

    /// The address in a `Link` header or in the answer.
    fn linked(self) -> Option<Url> {
        let in_header = self.links.iter().find_map(|link| next_link(link));
        let is_address =
            |text: &&str| ["http://", "https://", "/", "?"].iter().any(|start| text.starts_with(start));
        let in_answer = || first(self.value, ADDRESSES, Value::as_str).filter(is_address);
        self.outgoing.url.join(in_header.or_else(in_answer)?).ok()
    }

    fn by_cursor(self) -> Option<Url> {
        let parameter = self.parameter(CURSOR_PARAMETERS)?;
        let more = first(self.value, MORE, Value::as_bool);
        if more == Some(false) {
            return None;
        }
        let cursor = first(self.value, CURSORS, Value::as_str).filter(|cursor| !cursor.is_empty());
        let cursor = match cursor {
            // Here the cursor is the identifier of the last item.
            None if parameter.name == "starting_after" && more == Some(true) => {
                self.value.get("data")?.as_array()?.last()?.get("id")?.as_str()
            }
            cursor => cursor,
        };
        Some(self.with(parameter, cursor?))
    }

    fn by_number(self) -> Option<Url> {
        let parameter = self.parameter(PAGE_PARAMETERS)?;
        let mut pairs = self.outgoing.url.query_pairs();
        let given = pairs
            .find(|(name, _)| *name == parameter.name)
            .and_then(|(_, number)| number.parse::<u64>().ok());
        let default = parameter.schema.get("default").and_then(Value::as_u64).unwrap_or(1);
        let next = given.unwrap_or(default).checked_add(1)?;
        let last = first(self.value, TOTALS, Value::as_u64)
            .map(|total| if default == 0 { total.saturating_sub(1) } else { total });
        let has_more =
            first(self.value, MORE, Value::as_bool).unwrap_or(last.is_some_and(|last| next <= last));
        has_more.then(|| self.with(parameter, &next.to_string()))
    }

    /// The query parameter of the operation that has the first of these names.
    fn parameter(self, names: &[&str]) -> Option<&'a Parameter> {
        names.iter().find_map(|name| self.named(name))
    }

    fn named(self, name: &str) -> Option<&'a Parameter> {
        let mut parameters = self.operation.parameters.iter();
        parameters.find(|parameter| parameter.location == Location::Query && parameter.name == name)
    }

    /// The address with another value of a parameter.
    fn with(self, parameter: &Parameter, value: &str) -> Url {
        let mut url = self.outgoing.url.clone();
        let query = url.query().unwrap_or_default().to_owned();
        let is_other = |pair: &&str| decoded(pair.split('=').next().unwrap_or_default()) != parameter.name;
        let mut pairs: Vec<String> =
            query.split('&').filter(|pair| !pair.is_empty()).filter(is_other).map(str::to_owned).collect();
        let code = |text: &str| encoded(text, Keep::Unreserved);
        pairs.push(format!("{}={}", code(&parameter.name), code(value)));
        url.set_query(Some(&pairs.join("&")));
        url
    }

    /// The arguments that lead to an address, as far as the operation has parameters for them.
    fn hint(self, url: &Url) -> String {
        let known: Vec<(String, String)> = self.outgoing.url.query_pairs().into_owned().collect();
        let changes = url.query_pairs().into_owned().filter(|pair| !known.contains(pair));
        let arguments = changes.filter_map(|(name, value)| {
            let argument = &self.named(&name)?.argument;
            Some(format!("{argument} = {}", Value::String(value)))
        });
        let arguments: Vec<String> = arguments.collect();
        if arguments.is_empty() {
            "(there are further pages)".to_owned()
        } else {
            format!("(there are further pages: call again with {})", arguments.join(", "))
        }
    }
}

/// The items of both pages, also inside of objects; what else the later page says replaces what the earlier one said.
pub(super) fn merged(earlier: Value, later: Value) -> Value {
    match (earlier, later) {
        (Value::Array(mut earlier), Value::Array(later)) => {
            earlier.extend(later);
            Value::Array(earlier)
        }
        (Value::Object(mut earlier), Value::Object(later)) => {
            for (name, value) in later {
                let before = earlier.get_mut(&name).map(Value::take).unwrap_or_default();
                earlier.insert(name, merged(before, value));
            }
            Value::Object(earlier)
        }
        (_, later) => later,
    }
}

/// The address of `rel="next"` in a `Link` header (RFC 8288).
fn next_link(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (address, after) = after.split_once('>')?;
        let parameters = after.split('<').next().unwrap_or_default();
        let is_next = parameters.split([';', ',']).filter_map(|parameter| parameter.split_once('=')).any(
            |(name, value)| {
                let value = value.trim().trim_matches('"');
                name.trim().eq_ignore_ascii_case("rel")
                    && value.split(' ').any(|relation| relation.eq_ignore_ascii_case("next"))
            },
        );
        if is_next {
            return Some(address);
        }
        rest = after;
    }
    None
}

fn first<'v, T>(value: &'v Value, places: &[&str], read: impl Fn(&'v Value) -> Option<T>) -> Option<T> {
    places.iter().find_map(|place| value.pointer(place).and_then(&read))
}

#[cfg(test)]
mod tests;
