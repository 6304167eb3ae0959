//! What an operator asks: version, load, ending the server.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;

use super::App;
use super::failure::Failure;
use crate::Result;
use crate::protocol::{ServerLoad, Version};

/// Stops the server as a signal would, when clients may do that.
pub(super) async fn terminate(State(app): State<App>) -> Result<Json<serde_json::Value>, Failure> {
    if !app.config.allow_terminate_by_client {
        let message = "the server was started without --allow-terminate-by-client: clients cannot stop it";
        return Err(Failure::new(400, message));
    }
    tracing::info!("a client stops the server");
    app.terminate();
    Ok(Json(serde_json::json!({ "terminated": true })))
}

/// The version of the server.
pub(super) async fn version() -> Json<Version> {
    let git = option_env!("GIT_HASH").map(str::to_owned);
    Json(Version { version: env!("CARGO_PKG_VERSION").to_owned(), git })
}

/// Number of inference requests now, those that wait for a place included; vLLM's routers ask for it.
pub(super) async fn load(State(app): State<App>) -> Json<ServerLoad> {
    let (waiting, handled) = app.http.waiting_and_handled();
    Json(ServerLoad { server_load: waiting + handled })
}

/// Answers for a route of upstream that is not here yet.
pub(super) async fn not_yet(uri: Uri) -> Failure {
    Failure::new(501, format!("{} is not supported by this server yet", uri.path()))
}
