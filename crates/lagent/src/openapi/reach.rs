//! Which addresses may be asked: public ones, and the private ones that the owner names.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::public_address::is_public;

/// The rule for addresses. Private, local and reserved ranges are refused, also behind names and redirects.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// Hosts, in lower case, that may have any address.
    allowed: Arc<BTreeSet<String>>,
}

impl Reach {
    /// Public addresses, and any address of these hosts.
    pub(super) fn new(allowed: &[String]) -> Self {
        Self { allowed: Arc::new(allowed.iter().map(|host| host.to_ascii_lowercase()).collect()) }
    }

    /// Checks the scheme of an address, and its host if that is a number. Names are checked when they are resolved.
    pub(super) fn check(&self, url: &Url) -> Result<(), String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("found the scheme `{}`, expected http or https", url.scheme()));
        }
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        match host.parse::<IpAddr>() {
            Ok(address) => self.permit(&host, address),
            Err(_) => Ok(()),
        }
    }

    fn permit(&self, host: &str, address: IpAddr) -> Result<(), String> {
        if is_public(address) || self.allowed.contains(&host.to_ascii_lowercase()) {
            return Ok(());
        }
        Err(format!(
            "{host}: found the private address {address}, expected a public one or a host of allow-private"
        ))
    }

    async fn resolved(self, host: String) -> Result<Addrs, Box<dyn Error + Send + Sync>> {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
        for address in &found {
            self.permit(&host, address.ip())?;
        }
        Ok(Box::new(found.into_iter()))
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(self.clone().resolved(name.as_str().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(reach: &Reach, url: &str) -> Result<(), String> {
        reach.check(&Url::parse(url).expect("is an address"))
    }

    #[test]
    fn private_addresses_are_refused_in_every_notation() {
        let reach = Reach::default();
        for url in [
            "http://127.0.0.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://10.1.2.3/",
            "http://172.31.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest",
            "http://100.64.0.1/",
            "http://0.0.0.0/",
            "http://[::1]/",
            "http://[::ffff:10.0.0.1]/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:7f00:1::]/",
            "http://224.0.0.1/",
            "file:///etc/passwd",
        ] {
            assert!(check(&reach, url).is_err(), "{url}");
        }
        for url in [
            "https://93.184.216.34/",
            "http://[2606:4700::1111]/",
            "http://example.com/",
            "http://172.32.0.1/",
        ] {
            assert_eq!(check(&reach, url), Ok(()), "{url}");
        }
    }

    #[test]
    fn named_hosts_may_be_private() {
        let reach = Reach::new(&["127.0.0.1".to_owned(), "::1".to_owned()]);
        assert_eq!(check(&reach, "http://127.0.0.1:8080/"), Ok(()));
        assert_eq!(check(&reach, "http://[::1]:8080/"), Ok(()));
        let error = check(&reach, "http://127.0.0.2/").expect_err("not named");
        assert!(error.starts_with("127.0.0.2: found the private address 127.0.0.2"), "{error}");
    }
}
