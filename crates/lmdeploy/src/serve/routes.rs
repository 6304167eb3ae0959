//! [`ROUTES`]: every route of the server, from which the router is built and to which the OpenAPI document is held.

use axum::routing::{MethodRouter, delete, get, post};

use super::{
    App, abort, admin, chat, chat_prompt, completions, docs, embeddings, encode, generate, input_items,
    messages, metrics, models, other_paths, responses, sleep, weights,
};
use crate::config::ServerConfig;

/// One route.
pub(super) struct Route {
    /// In lower case, as OpenAPI writes it.
    pub(super) method: &'static str,
    /// As OpenAPI writes it.
    pub(super) path: &'static str,
    /// Name of the operation in the OpenAPI document.
    pub(super) operation: &'static str,
    pub(super) access: Access,
    pub(super) handler: fn() -> MethodRouter<App>,
}

/// Who may call a route, and whether it needs a place among the requests that are handled at the same time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    /// Everybody, without a key.
    Public,
    /// Whoever has a key, unless the metrics are public.
    Metrics,
    /// Whoever has a key.
    Keyed,
    /// Whoever has a key, when there is a place.
    Inference,
}

macro_rules! routes {
    ($($method:ident $path:literal $operation:literal $access:ident $handler:path;)+) => {
        &[$(Route {
            method: stringify!($method),
            path: $path,
            operation: $operation,
            access: Access::$access,
            handler: || $method($handler),
        }),+]
    };
}

/// All routes.
pub(super) const ROUTES: &[Route] = routes! {
    post "/v1/chat/completions" "createChatCompletion" Inference chat::create;
    post "/v1/chat/completions/input_tokens" "countChatTokens" Keyed chat_prompt::count_tokens;
    post "/apply-template" "applyTemplate" Keyed chat_prompt::apply_template;
    post "/v1/completions" "createCompletion" Inference completions::create;
    post "/v1/responses" "createResponse" Inference responses::create;
    get "/v1/responses/{response_id}" "getResponse" Keyed responses::get;
    delete "/v1/responses/{response_id}" "deleteResponse" Keyed responses::delete;
    get "/v1/responses/{response_id}/input_items" "listInputItems" Keyed input_items::list;
    post "/v1/responses/{response_id}/cancel" "cancelResponse" Keyed responses::cancel;
    post "/v1/responses/input_tokens" "countInputTokens" Keyed responses::count_tokens;
    post "/v1/messages" "createMessage" Inference messages::create;
    post "/v1/messages/count_tokens" "countMessageTokens" Keyed messages::count_tokens;
    get "/anthropic/v1/models" "listAnthropicModels" Keyed messages::models;
    get "/v1/models" "listModels" Keyed models::list;
    get "/v1/models/{model}" "getModel" Keyed models::one;
    post "/v1/embeddings" "createEmbedding" Inference embeddings::create;
    post "/pooling" "createPooling" Inference embeddings::pooling;
    post "/generate" "generate" Inference generate::create;
    post "/get_ppl" "getPerplexity" Inference generate::perplexity;
    post "/v1/encode" "encode" Keyed encode::encode;
    post "/tokenize" "tokenize" Keyed encode::tokenize;
    post "/detokenize" "detokenize" Keyed encode::detokenize;
    post "/abort_request" "abortRequest" Keyed abort::abort;
    get "/terminate" "terminate" Keyed admin::terminate;
    post "/sleep" "sleep" Keyed sleep::sleep;
    post "/wakeup" "wakeUp" Keyed sleep::wake;
    get "/is_sleeping" "isSleeping" Keyed sleep::is_sleeping;
    post "/update_weights" "updateWeights" Keyed weights::update;
    get "/version" "getVersion" Keyed admin::version;
    get "/load" "getLoad" Keyed admin::load;
    get "/health" "getHealth" Public models::health;
    get "/metrics" "getMetrics" Metrics metrics::show;
    get "/openapi.json" "getOpenApi" Public docs::openapi;
    get "/docs" "getDocs" Public docs::page;
    get "/docs/{file}" "getDocsFile" Public docs::file;
};

/// Routes of upstream that this server does not have yet. They answer 501 by name, whatever the method is.
pub(super) const NOT_YET: [&str; 4] = [
    "/update_weights_from_ipc",
    "/update_weights_from_distributed",
    "/init_weights_update_group",
    "/destroy_weights_update_group",
];

impl Route {
    /// The path as axum writes it. Names of models may hold slashes.
    pub(super) fn axum_path(&self) -> String {
        self.path.replace("{model}", "{*model}")
    }

    /// Whether axum calls it `path`; the same as comparing with [`Route::axum_path`].
    fn is(&self, path: &str) -> bool {
        match self.path.split_once("{model}") {
            None => self.path == path,
            Some((start, end)) => {
                path.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)) == Some("{*model}")
            }
        }
    }

    /// Whether a server with these settings has the route.
    pub(super) fn is_served(&self, config: &ServerConfig) -> bool {
        match self.path {
            "/metrics" => !config.disable_metrics,
            path if path == "/openapi.json" || path.starts_with("/docs") => !config.disable_docs,
            _ => true,
        }
    }
}

/// Who may call the route that axum calls `path`, whichever of its paths that is.
pub(super) fn access(path: &str) -> Access {
    let path = other_paths::listed(path);
    ROUTES.iter().find(|route| route.is(&path)).map_or(Access::Keyed, |route| route.access)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_and_operations_are_there_once() {
        for (index, route) in ROUTES.iter().enumerate() {
            for other in &ROUTES[..index] {
                assert!(other.method != route.method || other.path != route.path, "{}", route.path);
                assert_ne!(other.operation, route.operation);
            }
            assert!(route.is(&route.axum_path()), "{}", route.path);
        }
    }

    #[test]
    fn what_is_open_is_named() {
        let open: Vec<&str> = ROUTES
            .iter()
            .filter(|route| matches!(route.access, Access::Public | Access::Metrics))
            .map(|route| route.path)
            .collect();
        assert_eq!(open, ["/health", "/metrics", "/openapi.json", "/docs", "/docs/{file}"]);
        assert_eq!(access("/v1/models/{*model}"), Access::Keyed);
        assert_eq!(access("/health"), Access::Public);
        assert_eq!(access("/v2"), Access::Keyed);
        assert_eq!((access("/v1/health"), access("/chat/completions")), (Access::Public, Access::Inference));
    }
}
