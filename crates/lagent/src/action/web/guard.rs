//! Which addresses a model may open: web addresses of public hosts, or only those hosts that the owner lists.
//!
//! A model reads pages that anybody may have written, and a page can ask it to open `http://localhost/..`. So every
//! address is checked, and every redirect, after its name was resolved; the connection is made to the checked address.

use std::net::IpAddr;

use reqwest::Url;

use crate::public_address::is_public;

/// Whether listed hosts may have private addresses.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Private {
    /// Only hosts that are listed by their number, or as `localhost`.
    #[default]
    Refused,
    /// All listed hosts: the owner knows what their names stand for.
    Listed,
}

/// The rules of one toolkit.
#[derive(Clone, Debug, Default)]
pub(super) struct Guard {
    /// Hosts in lower case; each stands for its subdomains too. Empty: all public hosts.
    allow: Vec<String>,
    private: Private,
}

impl Guard {
    /// The rules with these hosts.
    pub(super) fn new(allow: &[String], private: Private) -> Self {
        let allow =
            allow.iter().map(|host| host.trim().trim_matches(['[', ']']).to_ascii_lowercase()).collect();
        Self { allow, private }
    }

    /// Checks an address before its name is resolved, and returns the host.
    ///
    /// # Errors
    /// What was found and what is allowed, for the model.
    pub(super) fn host(&self, url: &Url) -> Result<String, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("found an address of `{}`, expected http or https", url.scheme()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("found a user name in the address, expected none".to_owned());
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).trim_end_matches('.');
        let host = host.to_ascii_lowercase();
        if self.allow.is_empty() || self.lists(&host) {
            return Ok(host);
        }
        Err(format!("found the host {host}, expected one of {}", self.allow.join(", ")))
    }

    fn lists(&self, host: &str) -> bool {
        let is_below =
            |listed: &String| host.strip_suffix(listed.as_str()).is_some_and(|front| front.ends_with('.'));
        self.allow
            .iter()
            .any(|listed| listed == host || (is_below(listed) && listed.parse::<IpAddr>().is_err()))
    }

    /// Checks an address that a host's name stands for.
    ///
    /// # Errors
    /// Like [`Guard::host`].
    pub(super) fn address(&self, host: &str, address: IpAddr) -> Result<(), String> {
        if is_public(address) {
            return Ok(());
        }
        let is_numbered = host == "localhost" || host.parse::<IpAddr>().is_ok();
        let is_exact = is_numbered && self.allow.iter().any(|listed| listed == host);
        let is_listed = self.private == Private::Listed && self.lists(host);
        if is_exact || is_listed {
            return Ok(());
        }
        Err(format!("found the private address {address} of {host}, expected a public host"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("is an address")
    }

    fn url(text: &str) -> Url {
        Url::parse(text).expect("is an address")
    }

    #[test]
    fn only_web_addresses_of_listed_hosts_are_opened() {
        let open = Guard::default();
        for text in ["file:///etc/passwd", "ftp://a/", "http://user@a/", "http://u:p@a/"] {
            assert!(open.host(&url(text)).is_err(), "{text}");
        }
        // Numbers in other notations are the same numbers.
        assert_eq!(open.host(&url("http://0x7f.1/")), Ok("127.0.0.1".to_owned()));
        assert_eq!(open.host(&url("http://LOCALHOST./")), Ok("localhost".to_owned()));
        let listed = Guard::new(&["Example.org".to_owned()], Private::Refused);
        assert!(listed.host(&url("https://docs.example.org/a")).is_ok());
        let message = listed.host(&url("https://badexample.org/")).expect_err("another host");
        assert_eq!(message, "found the host badexample.org, expected one of example.org");
    }

    #[test]
    fn private_addresses_need_a_clear_word() {
        let open = Guard::default();
        assert!(open.address("a.example", ip("93.184.216.34")).is_ok());
        let message = open.address("evil.example", ip("127.0.0.1")).expect_err("private");
        assert_eq!(message, "found the private address 127.0.0.1 of evil.example, expected a public host");
        let listed = |private| Guard::new(&["wiki.corp".to_owned(), "[::1]".to_owned()], private);
        assert!(listed(Private::Refused).address("wiki.corp", ip("10.0.0.1")).is_err());
        assert!(listed(Private::Listed).address("wiki.corp", ip("10.0.0.1")).is_ok());
        assert!(listed(Private::Listed).address("other", ip("10.0.0.1")).is_err());
        assert!(listed(Private::Refused).address("::1", ip("::1")).is_ok());
    }
}
