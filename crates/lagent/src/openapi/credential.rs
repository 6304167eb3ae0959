//! Credentials from the configuration of an agent, which are read when they are needed and never written.

use std::path::PathBuf;

use internlm_kit::file;
use serde::{Deserialize, Serialize};

use super::security::{KeyPlace, Scheme};

/// The `[openapi.NAME.auth.SCHEME]` table: what is sent for one security scheme.
///
/// `SCHEME` is the scheme's name in the description. With `kind`, the table also works for services whose
/// description does not say how calls are authenticated, and is then sent with every call. Like
/// [`Service`](crate::action::Service), the table is trusted: no variable or file is read but the one that it names.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Credential {
    /// How the credentials are sent. Default: as the description says.
    pub kind: Option<CredentialKind>,
    /// Name of the header, parameter or cookie; only with the kinds `header`, `query` and `cookie`.
    pub name: Option<String>,
    /// File that contains the key, token, password or client secret.
    pub key_file: Option<PathBuf>,
    /// Environment variable that contains it, if there is no file.
    pub key_variable: Option<String>,
    /// User name of basic authentication.
    pub user: Option<String>,
    /// Identifier of an OAuth 2 client. With it, a token is fetched with the client's credentials.
    pub client_id: Option<String>,
    /// Address that hands out tokens. Default: that of the description.
    pub token_url: Option<String>,
    /// Scopes that a token is asked for. Default: the server decides.
    pub scopes: Vec<String>,
    /// Where the client's credentials are sent. Default: `basic`.
    pub client_auth: ClientAuth,
}

/// How credentials are sent with each call.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CredentialKind {
    /// The key in a header of its own.
    Header,
    /// The key in the query of the address.
    Query,
    /// The key in a cookie.
    Cookie,
    /// User name and password.
    Basic,
    /// A token in the `Authorization` header.
    Bearer,
    /// A token that is fetched with the credentials of an OAuth 2 client.
    ClientCredentials,
}

/// Where an OAuth 2 client sends its credentials when it fetches a token.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAuth {
    /// In the `Authorization` header.
    #[default]
    Basic,
    /// As fields of the request.
    Body,
}

/// What is done with a credential.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Means {
    Key(KeyPlace),
    Basic { user: String },
    Bearer,
    Client { id: String, token_url: String },
}

impl Credential {
    /// Creates a credential whose key is in an environment variable.
    #[must_use]
    pub fn from_variable(name: impl Into<String>) -> Self {
        Self { key_variable: Some(name.into()), ..Self::default() }
    }

    /// Creates a credential whose key is in a file.
    #[must_use]
    pub fn from_file(path: impl Into<PathBuf>) -> Self {
        Self { key_file: Some(path.into()), ..Self::default() }
    }

    /// Returns the same credential as that of an OAuth 2 client.
    #[must_use]
    pub fn with_client(self, id: impl Into<String>) -> Self {
        Self { client_id: Some(id.into()), ..self }
    }

    /// Returns the same credential with a user name.
    #[must_use]
    pub fn with_user(self, user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), ..self }
    }

    /// Reads the key, token, password or client secret.
    pub(super) fn secret(&self) -> Result<String, String> {
        let secret = match (&self.key_file, &self.key_variable) {
            (Some(path), _) => file::read_to_string(path).map_err(|error| error.to_string())?,
            (None, Some(name)) => {
                std::env::var(name).map_err(|_| format!("environment variable {name}: not set"))?
            }
            (None, None) => return Err("missing, expected key-file or key-variable".to_owned()),
        };
        let secret = secret.trim();
        if secret.is_empty() || secret.chars().any(char::is_control) {
            return Err("found an empty key or one with control characters, expected one line".to_owned());
        }
        Ok(secret.to_owned())
    }

    /// How this credential fulfils a scheme.
    ///
    /// # Errors
    /// Keys of the table that are missing.
    pub(super) fn means(&self, scheme: &Scheme) -> Result<Means, String> {
        if self.key_file.is_none() && self.key_variable.is_none() {
            return Err("missing, expected key-file or key-variable".to_owned());
        }
        match (self.kind, scheme) {
            (Some(CredentialKind::Header), _) => self.named().map(|name| Means::Key(KeyPlace::Header(name))),
            (Some(CredentialKind::Query), _) => self.named().map(|name| Means::Key(KeyPlace::Query(name))),
            (Some(CredentialKind::Cookie), _) => self.named().map(|name| Means::Key(KeyPlace::Cookie(name))),
            (Some(CredentialKind::Bearer), _) | (None, Scheme::Bearer) => Ok(Means::Bearer),
            (Some(CredentialKind::Basic), _) | (None, Scheme::Basic) => match &self.user {
                Some(user) => Ok(Means::Basic { user: user.clone() }),
                None => Err("user: missing, expected the user name of basic authentication".to_owned()),
            },
            (Some(CredentialKind::ClientCredentials), scheme) => self.client(scheme),
            (None, Scheme::OAuth2 { .. }) if self.client_id.is_some() => self.client(scheme),
            (None, Scheme::OAuth2 { .. }) => Ok(Means::Bearer),
            (None, Scheme::ApiKey(place)) => Ok(Means::Key(place.clone())),
            (None, Scheme::Undescribed) => {
                Err("kind: missing, expected one because the description does not describe this scheme"
                    .to_owned())
            }
        }
    }

    fn named(&self) -> Result<String, String> {
        self.name
            .clone()
            .ok_or_else(|| "name: missing, expected that of the header, parameter or cookie".to_owned())
    }

    fn client(&self, scheme: &Scheme) -> Result<Means, String> {
        let described = match scheme {
            Scheme::OAuth2 { token_url } => token_url.clone(),
            _ => None,
        };
        let token_url = self.token_url.clone().or(described);
        match (&self.client_id, token_url) {
            (Some(id), Some(token_url)) => Ok(Means::Client { id: id.clone(), token_url }),
            (None, _) => Err("client-id: missing, expected that of an OAuth 2 client".to_owned()),
            (_, None) => Err("token-url: missing, expected the address that hands out tokens".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_one_line() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("key");
        std::fs::write(&path, "abc\n").expect("writes");
        assert_eq!(Credential::from_file(&path).secret().as_deref(), Ok("abc"));
        std::fs::write(&path, "a\nb").expect("writes");
        assert!(Credential::from_file(&path).secret().is_err());
        let error = Credential::from_variable("LAGENT_NO_SUCH_KEY").secret().expect_err("not set");
        assert_eq!(error, "environment variable LAGENT_NO_SUCH_KEY: not set");
    }

    #[test]
    fn tables_fulfil_schemes_or_say_what_is_missing() {
        let key = Credential::from_variable("KEY");
        let oauth = Scheme::OAuth2 { token_url: Some("https://a/token".to_owned()) };
        assert_eq!(key.means(&oauth), Ok(Means::Bearer));
        let client = Means::Client { id: "me".to_owned(), token_url: "https://a/token".to_owned() };
        assert_eq!(key.clone().with_client("me").means(&oauth), Ok(client));
        assert!(key.means(&Scheme::Basic).expect_err("no user").starts_with("user: missing"));
        assert!(key.means(&Scheme::Undescribed).expect_err("no kind").starts_with("kind: missing"));
        let header = Credential { kind: Some(CredentialKind::Header), name: Some("X".to_owned()), ..key };
        assert_eq!(header.means(&Scheme::Undescribed), Ok(Means::Key(KeyPlace::Header("X".to_owned()))));
        assert!(Credential::default().means(&Scheme::Bearer).expect_err("no key").contains("key-file"));
        assert!(toml::from_str::<Credential>("key = \"secret\"").is_err());
    }
}
