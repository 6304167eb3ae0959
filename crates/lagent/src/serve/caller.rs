//! [`Caller`]: a request whose key is valid. Routes that everybody may use do without it.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::app::App;
use super::failure::Failure;
use super::tenants::Tenant;

/// Whoever has sent a request with a valid key. It is checked before the body is read.
pub(super) struct Caller(pub(super) Tenant);

impl FromRequestParts<App> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Failure> {
        app.tenants.find(&parts.headers).map(Self)
    }
}
