//! [`Tenants`]: whose request it is, by its key, and how many questions a key may ask at the same time.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderMap, header};
use internlm_kit::hash;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::ServeConfig;
use super::failure::Failure;

/// What Anthropic's clients put the key into.
const X_API_KEY: &str = "x-api-key";
/// The scheme of `Authorization`, which is not case-sensitive.
const BEARER: &str = "bearer";
/// Number of hexadecimal digits of a key's hash in the name of its sessions.
const NAME_LENGTH: usize = 16;

/// Whoever has one key, or everybody where there are no keys. Clones are the same tenant.
#[derive(Clone, Debug)]
pub(super) struct Tenant {
    /// The beginning of the key's hash, which tells nothing about the key; `local` without keys.
    pub(super) name: Arc<str>,
    /// Places for questions; absent without a limit.
    places: Option<Arc<Semaphore>>,
}

/// The keys of a server. Only their hashes are kept, so comparing takes a time that tells nothing about them.
#[derive(Clone, Debug)]
pub(super) struct Tenants {
    by_hash: Arc<BTreeMap<String, Tenant>>,
    /// Who asks when there are no keys.
    local: Option<Tenant>,
}

impl Tenants {
    /// Space around a key does not belong to it.
    pub(super) fn new(config: &ServeConfig) -> Self {
        let tenant = |name: &str| {
            let places = config.concurrency_per_key.map(|places| places.min(Semaphore::MAX_PERMITS));
            Tenant { name: name.into(), places: places.map(|places| Arc::new(Semaphore::new(places))) }
        };
        let hashes = config.api_keys.iter().map(|key| hash::sha256(key.trim()));
        let by_hash: BTreeMap<String, Tenant> = hashes
            .map(|hash| {
                let tenant = tenant(hash.get(..NAME_LENGTH).unwrap_or(&hash));
                (hash, tenant)
            })
            .collect();
        let local = by_hash.is_empty().then(|| tenant("local"));
        Self { by_hash: Arc::new(by_hash), local }
    }

    /// Whose request has these headers; status 401 without a valid key.
    pub(super) fn find(&self, headers: &HeaderMap) -> Result<Tenant, Failure> {
        if let Some(local) = &self.local {
            return Ok(local.clone());
        }
        let found = sent(headers).find_map(|key| self.by_hash.get(&hash::sha256(key)));
        found.cloned().ok_or_else(|| {
            Failure::new(401, "a valid API key is needed: `Authorization: Bearer KEY` or `x-api-key: KEY`")
        })
    }
}

impl Tenant {
    /// A place for one question, which is free again when this is dropped; status 429 when there is no place left.
    pub(super) fn place(&self) -> Result<Option<OwnedSemaphorePermit>, Failure> {
        let Some(places) = &self.places else { return Ok(None) };
        let place = Arc::clone(places).try_acquire_owned();
        let full = "this key asks as many questions as it may at the same time";
        place.map(Some).map_err(|_| Failure::new(429, full))
    }
}

/// The keys that a request brings.
fn sent(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let bearer = headers.get_all(header::AUTHORIZATION).into_iter().filter_map(|value| {
        let (scheme, key) = value.as_bytes().split_at_checked(BEARER.len())?;
        (scheme.eq_ignore_ascii_case(BEARER.as_bytes()) && key.starts_with(b" ")).then(|| key.trim_ascii())
    });
    bearer.chain(headers.get_all(X_API_KEY).into_iter().map(|value| value.as_bytes().trim_ascii()))
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        [(HeaderName::from_static(name), HeaderValue::from_static(value))].into_iter().collect()
    }

    fn tenants(keys: &[&str]) -> Tenants {
        let config = ServeConfig {
            api_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            concurrency_per_key: Some(1),
            ..ServeConfig::default()
        };
        Tenants::new(&config)
    }

    #[test]
    fn a_key_names_its_tenant() {
        let tenants = tenants(&["one", " two\n"]);
        let name = |name, value| tenants.find(&headers(name, value)).map(|tenant| tenant.name).ok();
        assert_eq!(name("authorization", "Bearer two"), name("x-api-key", " two "));
        assert_ne!(name("authorization", "bearer one"), name("x-api-key", "two"));
        for (header, value) in [
            ("authorization", "one"),
            ("authorization", "Basic one"),
            ("x-api-key", "on"),
            ("api-key", "one"),
        ] {
            assert_eq!(name(header, value), None, "{header}: {value}");
        }
        assert!(!format!("{tenants:?}").contains("two"), "keys are not shown");
    }

    #[test]
    fn places_are_counted_for_each_key() {
        let tenants = tenants(&["one", "two"]);
        let tenant = |key| tenants.find(&headers("x-api-key", key)).expect("a key");
        let first = tenant("one").place().expect("a place");
        assert_eq!(tenant("one").place().map_err(|failure| failure.status).err(), Some(429));
        assert!(tenant("two").place().is_ok());
        drop(first);
        assert!(tenant("one").place().is_ok());
    }

    #[test]
    fn without_keys_everybody_is_one_tenant() {
        let tenants = tenants(&[]);
        assert_eq!(&*tenants.find(&HeaderMap::new()).expect("everybody").name, "local");
    }
}
