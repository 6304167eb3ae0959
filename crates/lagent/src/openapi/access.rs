//! What is sent with a call so that the service knows who calls: keys, passwords and tokens.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, Url};
use serde_json::Value;

use super::config::{Anonymous, OpenApiConfig};
use super::credential::{ClientAuth, Credential, Means};
use super::exchange::{Outgoing, Payload, exchange};
use super::percent::{Keep, encoded};
use super::reach::Reach;
use super::security::{Alternatives, KeyPlace, Scheme, Schemes};
use crate::action::CallContext;
use crate::http_client::shown;

/// Lifetime of a token whose server does not say it.
const LIFETIME: Duration = Duration::from_secs(300);
/// A token is fetched again this long before its end.
const MARGIN: Duration = Duration::from_secs(30);
/// Keys that are shorter are not masked: they would also be found in ordinary words.
const MASKED: usize = 4;

/// Tokens that were fetched, by address and client. The tools of a service share them.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    fetched: Mutex<BTreeMap<String, Token>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    end: Instant,
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// The credentials of one operation.
#[derive(Clone, Debug)]
pub(super) struct Access {
    means: Vec<(Means, Credential)>,
    tokens: Arc<Tokens>,
}

/// What one call sends.
#[derive(Default)]
pub(super) struct Granted {
    pub(super) headers: Vec<(String, String)>,
    pub(super) query: Vec<(String, String)>,
    pub(super) cookies: Vec<(String, String)>,
    /// Texts that must not appear in results and messages.
    secrets: Vec<String>,
}

impl Granted {
    /// A text without the secrets.
    pub(super) fn masked(&self, text: &str) -> String {
        let long = self.secrets.iter().filter(|secret| secret.len() >= MASKED);
        long.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }
}

impl Access {
    /// The credentials for an operation with these alternatives.
    ///
    /// # Errors
    /// The tables of `auth` that are missing or incomplete.
    pub(super) fn new(
        alternatives: &Alternatives,
        config: &OpenApiConfig,
        schemes: &Schemes,
        tokens: &Arc<Tokens>,
    ) -> Result<Self, String> {
        // Tables for what the description does not know are the owner's own and sent with every call.
        let is_known = |name: &String| {
            schemes.contains_key(name) || alternatives.iter().flatten().any(|known| known == name)
        };
        let own: Vec<&String> = config.auth.keys().filter(|name| !is_known(name)).collect();
        let mut closed = alternatives.iter().filter(|names| !names.is_empty());
        let chosen = closed.find(|names| names.iter().all(|name| config.auth.contains_key(name)));
        let is_open = alternatives.is_empty() || alternatives.iter().any(Vec::is_empty);
        if chosen.is_none() && own.is_empty() && !is_open && config.anonymous == Anonymous::No {
            return Err(format!("unavailable: needs {}", wanted(alternatives)));
        }
        let mut means = Vec::new();
        for name in chosen.into_iter().flatten().chain(own) {
            let Some(credential) = config.auth.get(name) else { continue };
            let scheme = match schemes.get(name) {
                Some(Ok(scheme)) => scheme.clone(),
                _ => Scheme::Undescribed,
            };
            let found =
                credential.means(&scheme).map_err(|reason| format!("unavailable: auth.{name}.{reason}"))?;
            means.push((found, credential.clone()));
        }
        Ok(Self { means, tokens: Arc::clone(tokens) })
    }

    /// Reads the keys and fetches the tokens for one call.
    ///
    /// # Errors
    /// A key that cannot be read, or a server that hands out no token.
    pub(super) fn grant(&self, reach: &Reach, context: &CallContext<'_>) -> Result<Granted, String> {
        let mut granted = Granted::default();
        for (means, credential) in &self.means {
            let secret = credential.secret()?;
            granted.secrets.push(secret.clone());
            match means {
                Means::Key(KeyPlace::Header(name)) => granted.headers.push((name.clone(), secret)),
                Means::Key(KeyPlace::Query(name)) => granted.query.push((name.clone(), secret)),
                Means::Key(KeyPlace::Cookie(name)) => granted.cookies.push((name.clone(), secret)),
                Means::Basic { user } => {
                    let pair = STANDARD.encode(format!("{user}:{secret}"));
                    granted.authorize("Basic", pair);
                }
                Means::Bearer => granted.authorize("Bearer", secret),
                Means::Client { id, token_url } => {
                    let ask = Ask { id, token_url, secret: &secret, credential };
                    let token = self.tokens.get(&ask, reach, context);
                    let token = token.map_err(|message| granted.masked(&message))?;
                    granted.authorize("Bearer", token);
                }
            }
        }
        Ok(granted)
    }

    /// Forgets fetched tokens, because the service refused one.
    pub(super) fn forget(&self) {
        self.tokens.lock().clear();
    }
}

impl Granted {
    fn authorize(&mut self, scheme: &str, text: String) {
        self.headers.push(("Authorization".to_owned(), format!("{scheme} {text}")));
        self.secrets.push(text);
    }
}

/// A request for a token.
struct Ask<'a> {
    id: &'a str,
    token_url: &'a str,
    secret: &'a str,
    credential: &'a Credential,
}

impl Tokens {
    /// A token that is still valid. Two calls at the same time may both fetch one: a call that waited for the other one
    /// could not be cancelled.
    fn get(&self, ask: &Ask<'_>, reach: &Reach, context: &CallContext<'_>) -> Result<String, String> {
        let key = format!("{} {} {}", ask.token_url, ask.id, ask.credential.scopes.join(" "));
        let known = self.lock().get(&key).filter(|token| token.end > Instant::now()).cloned();
        if let Some(token) = known {
            return Ok(token.text);
        }
        let token = ask.fetch(reach, context)?;
        let text = token.text.clone();
        self.lock().insert(key, token);
        Ok(text)
    }

    /// A panic while holding the lock leaves the tokens whole: every change is one call.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Token>> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ask<'_> {
    fn fetch(&self, reach: &Reach, context: &CallContext<'_>) -> Result<Token, String> {
        let url = Url::parse(self.token_url).map_err(|error| format!("token-url: {error}"))?;
        let place = shown(&url);
        let mut fields = vec![("grant_type", "client_credentials".to_owned())];
        if !self.credential.scopes.is_empty() {
            fields.push(("scope", self.credential.scopes.join(" ")));
        }
        let mut headers = vec![("Accept".to_owned(), "application/json".to_owned())];
        let code = |text: &str| encoded(text, Keep::Unreserved);
        match self.credential.client_auth {
            ClientAuth::Basic => {
                let pair = STANDARD.encode(format!("{}:{}", code(self.id), code(self.secret)));
                headers.push(("Authorization".to_owned(), format!("Basic {pair}")));
            }
            ClientAuth::Body => {
                fields.push(("client_id", self.id.to_owned()));
                fields.push(("client_secret", self.secret.to_owned()));
            }
        }
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", code(value))).collect();
        let content_type = "application/x-www-form-urlencoded".to_owned();
        let body = Some(Payload { content_type, bytes: fields.join("&").into_bytes() });
        let incoming = exchange(&Outgoing { method: Method::POST, url, headers, body }, reach, context)?;
        let answer: Value = serde_json::from_slice(&incoming.bytes).unwrap_or_default();
        let token = answer.get("access_token").and_then(Value::as_str);
        let Some(token) = token.filter(|_| incoming.status == 200) else {
            let reason = answer.get("error").and_then(Value::as_str).unwrap_or("no access_token");
            return Err(format!(
                "{place}: found the status {} and {reason}, expected a token",
                incoming.status
            ));
        };
        let seconds = answer.get("expires_in").and_then(Value::as_u64).map(Duration::from_secs);
        let lifetime = seconds.unwrap_or(LIFETIME).min(Duration::from_secs(86_400)).saturating_sub(MARGIN);
        Ok(Token { text: token.to_owned(), end: Instant::now() + lifetime })
    }
}

/// The tables that would do, as `auth.a and auth.b, or auth.c`.
fn wanted(alternatives: &Alternatives) -> String {
    let all = |names: &Vec<String>| {
        names.iter().map(|name| format!("auth.{name}")).collect::<Vec<_>>().join(" and ")
    };
    alternatives.iter().map(all).collect::<Vec<_>>().join(", or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(alternatives: &[&[&str]], config: &OpenApiConfig) -> Result<Access, String> {
        let key = Scheme::ApiKey(KeyPlace::Header("X-Key".to_owned()));
        let schemes = Schemes::from([("key".to_owned(), Ok(key)), ("login".to_owned(), Ok(Scheme::Basic))]);
        let names =
            |names: &&[&str]| -> Vec<String> { names.iter().map(|name| (*name).to_owned()).collect() };
        let alternatives: Alternatives = alternatives.iter().map(names).collect();
        Access::new(&alternatives, config, &schemes, &Arc::default())
    }

    #[test]
    fn the_first_alternative_that_is_configured_is_used() {
        let none = OpenApiConfig::new("a.json");
        let error = access(&[&["key", "login"], &["other"]], &none).expect_err("nothing is configured");
        assert_eq!(error, "unavailable: needs auth.key and auth.login, or auth.other");
        assert!(access(&[], &none).expect("is open").means.is_empty());
        assert!(access(&[&["key"], &[]], &none).expect("is open").means.is_empty());
        let anonymous = OpenApiConfig { anonymous: Anonymous::Yes, ..none.clone() };
        assert!(access(&[&["key"]], &anonymous).is_ok());
        let login = none.clone().with_auth("login", Credential::from_variable("PASSWORD"));
        let error = access(&[&["key"], &["login"]], &login).expect_err("no user");
        assert!(error.starts_with("unavailable: auth.login.user: missing"), "{error}");
    }

    #[test]
    fn keys_are_sent_and_masked() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "secret-key").expect("writes");
        let config = OpenApiConfig::new("a.json").with_auth("key", Credential::from_file(&path));
        let config = config.with_auth("login", Credential::from_file(&path).with_user("me"));
        let access = access(&[&["key", "login"]], &config).expect("is configured");
        let granted = access.grant(&Reach::default(), &CallContext::default()).expect("has keys");
        let basic = STANDARD.encode("me:secret-key");
        let expected = [
            ("X-Key".to_owned(), "secret-key".to_owned()),
            ("Authorization".to_owned(), format!("Basic {basic}")),
        ];
        assert_eq!(granted.headers, expected);
        assert_eq!(granted.masked(&format!("a secret-key {basic}")), "a *** ***");
    }
}
