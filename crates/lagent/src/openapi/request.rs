//! The arguments of a call as a request.

use reqwest::{Method, Url};
use serde_json::Value;

use super::access::Granted;
use super::exchange::Outgoing;
use super::operation::Operation;
use super::parameter::{Location, Need, Parameter, Writing};
use super::payload::payload;
use super::percent::{Keep, encoded};
use super::style::{Style, Styled};
use crate::action::{Failure, Files};

/// The parts of a request that parameters fill.
#[derive(Debug, Default)]
struct Filled {
    path: String,
    query: Vec<String>,
    headers: Vec<(String, String)>,
    cookies: Vec<String>,
}

/// Makes the request of a call. `server` is the address in front of the path.
///
/// # Errors
/// An argument that is missing or does not fit; nothing was sent then.
pub(super) fn request(
    operation: &Operation,
    server: &str,
    arguments: &Value,
    files: &Files,
) -> Result<Outgoing, Failure> {
    // A fragment only tells operations of one path apart.
    let path = operation.path.split('#').next().unwrap_or_default();
    let mut filled = Filled { path: path.to_owned(), ..Filled::default() };
    for parameter in &operation.parameters {
        let given = parameter.constant.as_ref().or_else(|| arguments.get(&parameter.argument));
        match given.filter(|value| !value.is_null()) {
            Some(value) => filled.add(parameter, value).map_err(Failure::arguments)?,
            None if parameter.need == Need::Required => return Err(missing(&parameter.argument)),
            None => {}
        }
    }
    let body = match &operation.body {
        None => None,
        Some(body) => match arguments.get(&body.argument).filter(|value| !value.is_null()) {
            Some(value) => Some(payload(body, value, files)?),
            None if body.need == Need::Required => return Err(missing(&body.argument)),
            None => None,
        },
    };
    let url = filled.url(server).map_err(Failure::tool)?;
    let method =
        Method::from_bytes(operation.method.as_bytes()).map_err(|error| Failure::tool(error.to_string()))?;
    let mut headers = vec![("Accept".to_owned(), operation.accept.clone())];
    headers.append(&mut filled.headers);
    if !filled.cookies.is_empty() {
        headers.push(("Cookie".to_owned(), filled.cookies.join("; ")));
    }
    Ok(Outgoing { method, url, headers, body })
}

/// Adds what tells the service who calls.
pub(super) fn authorize(outgoing: &mut Outgoing, granted: &Granted) {
    let code = |text: &str| encoded(text, Keep::Unreserved);
    for (name, value) in &granted.query {
        add_query(&mut outgoing.url, &format!("{}={}", code(name), code(value)));
    }
    for (name, value) in &granted.headers {
        set_header(outgoing, name, value.clone());
    }
    for (name, value) in &granted.cookies {
        let known = outgoing.headers.iter().find(|(header, _)| header == "Cookie");
        let before = known.map(|(_, cookies)| format!("{cookies}; ")).unwrap_or_default();
        set_header(outgoing, "Cookie", format!("{before}{name}={value}"));
    }
}

/// Adds the keys of the query that the address of a further page lacks.
pub(super) fn keep_keys(outgoing: &mut Outgoing, granted: &Granted) {
    let code = |text: &str| encoded(text, Keep::Unreserved);
    for (name, value) in &granted.query {
        if !outgoing.url.query_pairs().any(|(known, _)| known == *name) {
            add_query(&mut outgoing.url, &format!("{}={}", code(name), code(value)));
        }
    }
}

/// Sets a header, which replaces one of the same name.
pub(super) fn set_header(outgoing: &mut Outgoing, name: &str, value: String) {
    outgoing.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
    outgoing.headers.push((name.to_owned(), value));
}

/// Appends a field, in percent notation, to the query of an address.
fn add_query(url: &mut Url, pair: &str) {
    let query = match url.query().filter(|query| !query.is_empty()) {
        Some(query) => format!("{query}&{pair}"),
        None => pair.to_owned(),
    };
    url.set_query(Some(&query));
}

fn missing(argument: &str) -> Failure {
    Failure::arguments(format!("missing required arguments: {{'{argument}'}}"))
}

impl Filled {
    fn add(&mut self, parameter: &Parameter, value: &Value) -> Result<(), String> {
        let name = &parameter.name;
        let json = Value::String(value.to_string());
        // JSON is one text, which is then written as any other text.
        let (styled, value) = match parameter.writing {
            Writing::Styled(styled) => (styled, value),
            Writing::Json => (Styled::new(Style::Simple), &json),
        };
        match parameter.location {
            Location::Path => {
                let text = styled.in_path(name, value)?;
                self.path = self.path.replace(&format!("{{{name}}}"), &text);
            }
            Location::Query => self.query.extend(styled.in_query(name, value)?),
            Location::Header => self.headers.push((name.clone(), styled.in_header(name, value)?)),
            Location::Cookie => self.cookies.extend(styled.in_query(name, value)?),
        }
        Ok(())
    }

    fn url(&self, server: &str) -> Result<Url, String> {
        let (path, fixed) = self.path.split_once('?').unwrap_or((self.path.as_str(), ""));
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut url =
            Url::parse(&format!("{server}{slash}{path}")).map_err(|error| format!("{server}: {error}"))?;
        for pair in std::iter::once(fixed)
            .chain(self.query.iter().map(String::as_str))
            .filter(|pair| !pair.is_empty())
        {
            add_query(&mut url, pair);
        }
        Ok(url)
    }
}
