//! The routes of the server, and what happens around every request.

use axum::middleware::from_fn_with_state;
use axum::routing::any;
use axum::{Extension, Router};

use super::docs::Document;
use super::openapi::{Bounds, document};
use super::routes::{NOT_YET, ROUTES};
use super::{App, admin, auth, failure, observe, other_paths};

/// All routes of the server, to be nested into another router. [`Server`](super::Server) adds what browsers need to
/// call them from other origins.
pub fn router(app: App) -> Router {
    let mut router = Router::new();
    for route in ROUTES.iter().filter(|route| route.is_served(&app.config)) {
        let path = route.axum_path();
        if let Some(other) = other_paths::other(&path) {
            router = router.route(other, (route.handler)());
        }
        router = router.route(&path, (route.handler)());
    }
    for path in NOT_YET {
        router = router.route(path, any(admin::not_yet));
    }
    router
        .fallback(failure::no_route)
        .method_not_allowed_fallback(failure::wrong_method)
        .layer(Extension(Document::new(&document(&app.config, &Bounds::of(&app.responder)))))
        .layer(from_fn_with_state(app.clone(), auth::check))
        .layer(from_fn_with_state(app.clone(), observe::observe))
        .with_state(app)
}
