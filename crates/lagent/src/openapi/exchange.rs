//! One HTTP request and its whole answer, within the rules for addresses.

use std::fmt;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LINK, RETRY_AFTER, USER_AGENT};
use reqwest::redirect::{Action, Attempt, Policy};
use reqwest::{Client, Method, Url};

use super::reach::Reach;
use crate::action::CallContext;
use crate::blocking;
use crate::http_client::{AGENT, body, builder, causes, shown};

/// Maximum size of an answer, bytes.
const LIMIT: usize = 32 << 20;
/// Maximum number of redirects, all of them to the same server.
const REDIRECTS: usize = 5;

/// A request. Its headers and its query may contain keys, which its debug text does not show.
#[derive(Clone)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Payload>,
}

/// The body of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Payload {
    pub(super) content_type: String,
    pub(super) bytes: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    pub(super) status: u16,
    pub(super) content_type: String,
    /// The `Link` headers.
    pub(super) links: Vec<String>,
    pub(super) retry_after: Option<String>,
    pub(super) bytes: Vec<u8>,
}

impl Outgoing {
    /// A request that reads an address.
    pub(super) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), body: None }
    }

    /// Method and address for messages, without the query: it may contain a key.
    pub(super) fn place(&self) -> String {
        format!("{} {}", self.method, shown(&self.url))
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.place())
    }
}

/// Sends a request and reads its whole answer, unless the call is cancelled.
///
/// # Errors
/// What prevented an answer. An answer with an error status is an answer.
pub(super) fn exchange(
    outgoing: &Outgoing,
    reach: &Reach,
    context: &CallContext<'_>,
) -> Result<Incoming, String> {
    let place = outgoing.place();
    let answer = blocking::run(context.stop, || send(outgoing, reach, context.deadline))
        .unwrap_or_else(|unfinished| Err(unfinished.to_string()));
    answer.map_err(|message| format!("{place}: {message}"))
}

async fn send(outgoing: &Outgoing, reach: &Reach, deadline: Duration) -> Result<Incoming, String> {
    reach.check(&outgoing.url)?;
    let client = client(&outgoing.url, reach, deadline).map_err(|error| causes(&error))?;
    let mut request = client.request(outgoing.method.clone(), outgoing.url.clone()).header(USER_AGENT, AGENT);
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    if let Some(payload) = &outgoing.body {
        request = request.header(CONTENT_TYPE, &payload.content_type).body(payload.bytes.clone());
    }
    let response = request.send().await.map_err(|error| causes(&error))?;
    let incoming = head(response.status().as_u16(), response.headers());
    Ok(Incoming { bytes: body(response, LIMIT).await?, ..incoming })
}

fn head(status: u16, headers: &HeaderMap) -> Incoming {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    Incoming {
        status,
        content_type: text(CONTENT_TYPE).unwrap_or_default(),
        links: headers
            .get_all(LINK)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .map(str::to_owned)
            .collect(),
        retry_after: text(RETRY_AFTER),
        bytes: Vec::new(),
    }
}

fn client(url: &Url, reach: &Reach, deadline: Duration) -> reqwest::Result<Client> {
    builder(url.as_str())
        .timeout(deadline)
        // A proxy would resolve the names, and the rule for addresses would not hold.
        .no_proxy()
        .dns_resolver(reach.clone())
        .redirect(Policy::custom(redirected))
        .build()
}

/// Follows a redirect within one server only: the request may carry keys in any header.
fn redirected(attempt: Attempt<'_>) -> Action {
    let first = attempt.previous().first().map(Url::origin);
    if first != Some(attempt.url().origin()) {
        let message = format!("found a redirect to another server, {}", shown(attempt.url()));
        return attempt.error(message);
    }
    if attempt.previous().len() > REDIRECTS {
        return attempt.error(format!("found more than {REDIRECTS} redirects"));
    }
    attempt.follow()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_do_not_show_the_query() {
        let url = Url::parse("http://user:secret@127.0.0.1:9/a?key=secret").expect("is an address");
        let outgoing = Outgoing::get(url);
        let context = CallContext::default();
        let error = exchange(&outgoing, &Reach::default(), &context).expect_err("private");
        assert!(
            error.starts_with("GET http://127.0.0.1:9/a: 127.0.0.1: found the private address"),
            "{error}"
        );
        let reach = Reach::new(&["127.0.0.1".to_owned()]);
        let error = exchange(&outgoing, &reach, &context).expect_err("nobody listens there");
        assert!(error.contains("the request failed") && !error.contains("secret"), "{error}");
    }
}
