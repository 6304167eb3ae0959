//! One page of the web as text: fetched under the rules of a [`Guard`], read by the extractor of `wanjuan-data`.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use wanjuan_data::extract::{ExtractConfig, Mode, decode, extract_html};

use super::guard::Guard;
use super::http::{client, wait};
use crate::action::CallContext;
use crate::action::local::Failure;
use crate::http_client::{body, causes, shown};

/// Maximum size of a page, bytes.
const LIMIT: usize = 8 << 20;
/// Maximum number of redirects.
const REDIRECTS: usize = 5;
/// Maximum time for one page with all of its redirects.
const TIMEOUT: Duration = Duration::from_secs(20);
/// What a page should be.
const ACCEPTED: &str = "text/html,application/xhtml+xml,text/plain;q=0.9,text/*;q=0.8,application/json;q=0.7";

/// What a server sent for a page.
#[derive(Debug)]
struct Fetched {
    content_type: String,
    bytes: Vec<u8>,
}

/// Fetches a page and extracts its text.
pub(super) fn open(address: &str, guard: &Guard, context: &CallContext<'_>) -> Result<String, Failure> {
    let url = Url::parse(address.trim()).map_err(|error| {
        Failure::arguments(format!("url: found `{address}` ({error}), expected a web address"))
    })?;
    // What can be refused without the network is a wrong argument.
    guard.host(&url).map_err(|message| Failure::arguments(format!("url: {message}")))?;
    let deadline = context.deadline.min(TIMEOUT);
    let fetched = wait(context, || async {
        let fetching = fetch(url, guard, deadline);
        let late = |_| format!("no answer after {} seconds", deadline.as_secs());
        tokio::time::timeout(deadline, fetching).await.map_err(late)?
    });
    let fetched = fetched.map_err(|message| Failure::service(format!("{address}: {message}")))?;
    read(&fetched).map_err(|message| Failure::tool(format!("{address}: {message}")))
}

/// Follows redirects, each of them checked like the first address.
async fn fetch(mut url: Url, guard: &Guard, deadline: Duration) -> Result<Fetched, String> {
    for _ in 0..=REDIRECTS {
        let response =
            ask(&url, guard, deadline).await.map_err(|error| format!("{}: {error}", shown(&url)))?;
        let status = response.status();
        if status.is_redirection() {
            let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let target = target.ok_or_else(|| format!("{status} without an address"))?;
            url = url.join(target).map_err(|error| format!("redirect to `{target}`: {error}"))?;
            continue;
        }
        if !status.is_success() {
            return Err(format!("{}: {status}", shown(&url)));
        }
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let bytes = body(response, LIMIT).await?;
        return Ok(Fetched { content_type, bytes });
    }
    Err(format!("found more than {REDIRECTS} redirects"))
}

async fn ask(url: &Url, guard: &Guard, deadline: Duration) -> Result<reqwest::Response, String> {
    let host = guard.host(url)?;
    let port = url.port_or_known_default().unwrap_or_default();
    let addresses: Vec<SocketAddr> = match host.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => {
            tokio::net::lookup_host((host.as_str(), port)).await.map_err(|error| error.to_string())?.collect()
        }
    };
    for address in &addresses {
        guard.address(&host, address.ip())?;
    }
    if addresses.is_empty() {
        return Err("found no address of the host".to_owned());
    }
    // The connection uses exactly the addresses that were checked: no proxy and no second look-up.
    let name = url.host_str().unwrap_or_default();
    let client = client(url, deadline).no_proxy().resolve_to_addrs(name, &addresses).build();
    let request = client.map_err(|error| causes(&error))?.get(url.clone()).header(ACCEPT, ACCEPTED);
    request.send().await.map_err(|error| causes(&error))
}

/// The text of what a server sent.
fn read(fetched: &Fetched) -> Result<String, String> {
    let (kind, charset) = media_type(&fetched.content_type);
    let is_markup = matches!(kind.as_str(), "" | "text/html" | "application/xhtml+xml");
    let is_text = kind.starts_with("text/") || kind.ends_with("json") || kind.ends_with("xml");
    let text = if is_markup {
        readable(&fetched.bytes, charset.as_deref()).1
    } else if is_text {
        decode(&fetched.bytes, charset.as_deref()).into_owned()
    } else {
        return Err(format!("found {kind}, expected a page or a text"));
    };
    if text.trim().is_empty() {
        return Err("found no text in the page, which may need scripts".to_owned());
    }
    Ok(text)
}

/// Title and main text of a page; of a page without main text, everything that may be text.
pub(super) fn readable(bytes: &[u8], charset: Option<&str>) -> (Option<String>, String) {
    let page = extract_html(bytes, charset, &ExtractConfig::default());
    if !page.text.trim().is_empty() {
        return (page.metadata.title, page.text);
    }
    let page = extract_html(bytes, charset, &ExtractConfig::default().with_mode(Mode::Recall));
    (page.metadata.title, page.text)
}

/// The media type in lower case, and the parameter `charset`.
fn media_type(value: &str) -> (String, Option<String>) {
    let mut parts = value.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
    });
    (kind, charset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fetched(content_type: &str, body: &[u8]) -> Fetched {
        Fetched { content_type: content_type.to_owned(), bytes: body.to_vec() }
    }

    #[test]
    fn pages_and_texts_are_read_and_files_are_refused() {
        let page = b"<title>T</title><nav>Home</nav><p>Gr\xfcn is a color.</p>";
        let page = fetched("text/html; charset=\"iso-8859-1\"", page);
        assert_eq!(read(&page), Ok("Grün is a color.".to_owned()));
        assert_eq!(read(&fetched("application/json", b"{}")), Ok("{}".to_owned()));
        let refused = read(&fetched("application/pdf", b"%PDF")).expect_err("a file");
        assert_eq!(refused, "found application/pdf, expected a page or a text");
        assert!(read(&fetched("text/html", b"<div id=app></div>")).is_err());
    }

    #[test]
    fn private_and_wrong_addresses_are_refused_before_anything_is_sent() {
        let open_ended = Guard::default();
        let context = CallContext::default();
        for address in
            ["http://127.0.0.1:9/", "http://[::1]:9/", "http://0x7f000001:9/", "http://localhost:9/"]
        {
            let failure = open(address, &open_ended, &context).expect_err(address);
            assert!(failure.message.contains("found the private address"), "{}", failure.message);
        }
        let failure = open("file:///etc/passwd", &open_ended, &context).expect_err("a file");
        assert_eq!(failure.message, "url: found an address of `file`, expected http or https");
    }
}
