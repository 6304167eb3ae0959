//! Operations of described services as tools, against services on loopback.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::response::Response;
use lagent::action::{Action, ActionReturn, ActionState, Readiness, ToolSettings, Toolbox};
use lagent::openapi::{
    Anonymous, Approve, ClientAuth, Credential, CredentialKind, OpenApi, OpenApiConfig, OpenApiError,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::mock_service::{MockService, Seen, answer, json_answer, redirect};
use crate::terminal::lagent;

mod corpus;

const SECRET: &str = "secret-5f1c7e";

fn shop() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/openapi/shop.yaml")
}

/// A configuration with every credential, whose server is on this machine.
fn config(url: &str, folder: &TempDir) -> OpenApiConfig {
    let path = folder.path().join("key");
    std::fs::write(&path, SECRET).expect("writes");
    let mut client = Credential::from_file(&path).with_client("me");
    client.token_url = Some(format!("{url}/token"));
    client.scopes = vec!["write".to_owned()];
    OpenApiConfig::new(shop().display().to_string())
        .with_server(url)
        .with_private("127.0.0.1")
        .with_auth("key", Credential::from_file(&path))
        .with_auth("query_key", Credential::from_file(&path))
        .with_auth("cookie_key", Credential::from_file(&path))
        .with_auth("token", Credential::from_file(&path))
        .with_auth("client", client)
}

fn settings(folder: &TempDir) -> ToolSettings {
    ToolSettings::default().with_folder(folder.path().join("files"))
}

fn toolbox(config: &OpenApiConfig, folder: &TempDir) -> Toolbox {
    let mut tools = Toolbox::default();
    for tool in OpenApi::actions("shop", config, &settings(folder)).expect("is configured") {
        tools.add(tool);
    }
    tools
}

fn ok(value: &ActionReturn) -> String {
    assert_eq!(value.state, ActionState::Success, "{}", value.for_model());
    value.for_model()
}

/// A service, and the tools of the shop that ask it.
fn serve(reply: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> (MockService, Toolbox, TempDir) {
    let folder = tempfile::tempdir().expect("temporary folder");
    let service = MockService::start(reply);
    let tools = toolbox(&config(&service.url, &folder), &folder);
    (service, tools, folder)
}

#[test]
fn operations_become_tools_and_the_others_are_named() {
    let import = OpenApi::read(&shop().display().to_string()).expect("reads");
    let specs = import.specs("shop");
    let names: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
    let expected = [
        "shop.items_get",
        "shop.items_delete",
        "shop.items_list",
        "shop.items_add",
        "shop.photo",
        "shop.post_search",
    ];
    assert_eq!(names, expected);
    let get = &specs[0].parameters;
    let arguments: Vec<&String> = get["properties"].as_object().expect("an object").keys().collect();
    assert_eq!(arguments, ["id", "fields", "filter", "X-Trace", "id_2", "session"]);
    assert_eq!(get["required"], json!(["id"]));
    assert_eq!(get["properties"]["id"]["description"], "Number of the item.");
    let body = json!({
        "type": "object", "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": 20},
            "price": {"type": ["number", "null"], "exclusiveMinimum": 0},
        },
    });
    assert_eq!(specs[3].parameters["properties"]["body"], body);
    let skipped: Vec<String> = import
        .skipped()
        .iter()
        .map(|skipped| format!("{} {}: {}", skipped.method, skipped.path, skipped.reason))
        .collect();
    let reasons = [
        "GET /signed: security `signature`: found the http scheme `hmac`, expected basic or bearer",
        "GET /broken/{name}: path: found `{name}`, which is not a parameter",
    ];
    assert_eq!(skipped, reasons);
}

#[test]
fn parameters_arrive_where_they_belong() {
    let (service, tools, _folder) = serve(|_| json_answer(&json!({"id": "a"})));
    let arguments = json!({
        "id": "a/b c", "fields": ["x", "y"], "filter": {"k": 1}, "X-Trace": "t", "id_2": 7, "session": "s=1",
    });
    let value = tools.call("shop.items_get", &arguments);
    assert_eq!(ok(&value), "{\"id\":\"a\"}");
    assert_eq!(value.url, Some(format!("{}/items/a%2Fb%20c", service.url)));
    let seen = &service.seen()[0];
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("GET", "/items/a%2Fb%20c"));
    assert_eq!(seen.query, "fields=x,y&filter%5Bk%5D=1&id=7");
    assert_eq!(seen.header("x-trace"), "t");
    assert_eq!(seen.header("x-version"), "2024-01");
    assert_eq!(seen.header("cookie"), "session=s%3D1");
    assert_eq!(seen.header("x-key"), SECRET);
    assert_eq!(seen.header("accept"), "application/json, */*;q=0.1");
    assert!(seen.header("user-agent").starts_with("lagent/"));
}

#[test]
fn wrong_arguments_send_nothing() {
    let (service, tools, _folder) = serve(|_| json_answer(&json!({})));
    for (arguments, message) in [
        (json!({}), "missing required arguments: {'id'}"),
        (json!({"id": null}), "missing required arguments: {'id'}"),
        (json!({"id": ".."}), "id: found `..`, expected a text that is not empty or dots"),
        (json!({"id": "a", "other": 1}), "unknown arguments: {'other'}"),
        (
            json!({"id": "a", "X-Trace": "a\nb"}),
            "X-Trace: found a control character, expected text for a header",
        ),
    ] {
        let value = tools.call("shop.items_get", &arguments);
        assert_eq!((value.state, value.for_model().as_str()), (ActionState::ArgsError, message));
    }
    assert!(service.seen().is_empty());
}

#[test]
fn credentials_are_sent_in_their_places() {
    let (service, tools, folder) = serve(|_| json_answer(&json!([])));
    ok(&tools.call("shop.items_list", &json!({"page": 2})));
    ok(&tools.call("shop.items_add", &json!({"body": {"name": "n"}})));
    std::fs::create_dir_all(folder.path().join("files")).expect("creates");
    std::fs::write(folder.path().join("files/p.png"), "png").expect("writes");
    ok(&tools.call("shop.photo", &json!({"id": "1", "body": {"photo": "p.png"}})));
    ok(&tools.call("shop.post_search", &json!({"body": {"text": "a"}})));
    let seen = service.seen();
    assert_eq!(seen[0].query, format!("page=2&api_key={SECRET}"));
    assert_eq!(seen[1].header("cookie"), format!("sid={SECRET}"));
    assert_eq!(seen[1].body, "{\"name\":\"n\"}");
    assert_eq!(seen[2].header("authorization"), format!("Bearer {SECRET}"));
    for name in ["authorization", "cookie", "x-key"] {
        assert_eq!(seen[3].header(name), "", "an operation without security gets no key");
    }
}

#[test]
fn a_clients_token_is_fetched_once_and_again_after_a_refusal() {
    let refused = AtomicUsize::new(0);
    let (service, tools, _folder) = serve(move |seen| match seen.path.as_str() {
        "/token" => json_answer(&json!({"access_token": "token-1234", "expires_in": 3600})),
        "/items/2" if refused.fetch_add(1, Ordering::SeqCst) == 0 => {
            answer(401, "text/plain", "token-1234 is over")
        }
        _ => answer(204, "text/plain", ""),
    });
    let delete = |id: &str| tools.call("shop.items_delete", &json!({"id": id}));
    assert_eq!(ok(&delete("1")), "done (status 204)");
    ok(&delete("1"));
    let failure = delete("2");
    assert_eq!(failure.state, ActionState::HttpError);
    let expected = format!("DELETE {}/items/2: found the status 401: *** is over", service.url);
    assert_eq!(failure.for_model(), expected);
    ok(&delete("2"));
    let seen = service.seen();
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(paths, ["/token", "/items/1", "/items/1", "/items/2", "/token", "/items/2"]);
    assert_eq!(seen[0].body, "grant_type=client_credentials&scope=write");
    assert!(seen[0].header("authorization").starts_with("Basic "));
    assert_eq!(seen[1].header("authorization"), "Bearer token-1234");
}

#[test]
fn a_token_server_that_refuses_is_named_without_the_secret() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let service = MockService::start(|seen| {
        answer(400, "application/json", format!("{{\"error\": \"invalid_client {}\"}}", seen.body))
    });
    let mut config = config(&service.url, &folder);
    if let Some(client) = config.auth.get_mut("client") {
        client.client_auth = ClientAuth::Body;
    }
    let value = toolbox(&config, &folder).call("shop.items_delete", &json!({"id": "1"}));
    assert_eq!(value.state, ActionState::ApiError);
    assert!(value.for_model().contains("/token: found the status 400"), "{}", value.for_model());
    assert!(!value.for_model().contains(SECRET), "{}", value.for_model());
    assert!(service.seen()[0].body.contains("client_id=me&client_secret="));
}

#[test]
fn forms_and_files_are_sent() {
    let (service, tools, folder) = serve(|seen| match seen.path.as_str() {
        "/search" => answer(200, "text/plain", "found"),
        _ => answer(200, "image/png", vec![0x89, b'P', 0]),
    });
    std::fs::create_dir_all(folder.path().join("files")).expect("creates");
    std::fs::write(folder.path().join("files/p.png"), "content").expect("writes");
    let body = json!({"photo": "p.png", "title": "ä", "tags": ["a", "b"], "size": {"w": 1}});
    let value = tools.call("shop.photo", &json!({"id": "1", "body": body}));
    let path = ok(&value);
    assert!(path.starts_with("[image](") && path.contains("download-1.png"), "{path}");
    assert_eq!(
        ok(&tools.call("shop.post_search", &json!({"body": {"text": "a b", "sizes": [1, 2]}}))),
        "found"
    );
    let value = tools.call("shop.photo", &json!({"id": "1", "body": {"photo": "../key"}}));
    assert_eq!(value.state, ActionState::ArgsError);
    assert!(value.for_model().contains("found no file `../key`"), "{}", value.for_model());
    let seen = service.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].header("content-type").starts_with("multipart/form-data; boundary="));
    for part in [
        "name=\"photo\"; filename=\"p.png\"\r\nContent-Type: image/png\r\n\r\ncontent\r\n",
        "name=\"title\"\r\n\r\nä\r\n",
        "name=\"tags\"\r\n\r\na\r\n",
        "name=\"tags\"\r\n\r\nb\r\n",
        "name=\"size\"\r\nContent-Type: application/json\r\n\r\n{\"w\":1}\r\n",
    ] {
        assert!(seen[0].body.contains(part), "{part}\n{}", seen[0].body);
    }
    assert_eq!(seen[1].body, "text=a%20b&sizes=1&sizes=2");
    assert_eq!(seen[1].header("content-type"), "application/x-www-form-urlencoded");
}

/// Three pages, which lead to each other in one of the three ways.
fn page(seen: &Seen, way: &str) -> Response {
    let value = |name: &str| {
        seen.query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}="))?.parse::<u64>().ok())
    };
    let number = value("page").or(value("cursor")).unwrap_or(1);
    let items = json!([{"id": format!("i{number}")}]);
    let next = (number < 3).then_some(number + 1);
    match way {
        "link" => {
            let mut response = json_answer(&items);
            if let Some(next) = next {
                let link = format!("</items?page={next}>; rel=\"next\"");
                response.headers_mut().insert("link", link.parse().expect("is a header"));
            }
            response
        }
        "cursor" => json_answer(&json!({"items": items, "next_cursor": next.map(|next| next.to_string())})),
        _ => json_answer(&json!({"items": items, "total_pages": 3})),
    }
}

#[test]
fn further_pages_are_announced_or_read() {
    for (way, hint) in [("link", "page = \"2\""), ("cursor", "cursor = \"2\""), ("number", "page = \"2\"")] {
        let folder = tempfile::tempdir().expect("temporary folder");
        let service = MockService::start(move |seen| page(seen, way));
        let mut config = config(&service.url, &folder);
        let text = ok(&toolbox(&config, &folder).call("shop.items_list", &json!({})));
        assert!(
            text.contains("i1")
                && text.ends_with(&format!("(there are further pages: call again with {hint})")),
            "{way}: {text}"
        );
        config.pages = 5;
        let text = ok(&toolbox(&config, &folder).call("shop.items_list", &json!({})));
        assert!(["i1", "i2", "i3"].iter().all(|item| text.contains(item)), "{way}: {text}");
        assert!(!text.contains("further pages"), "{way}: {text}");
        let seen = service.seen();
        assert_eq!(seen.len(), 4, "{way}");
        assert!(seen.iter().all(|seen| seen.query.contains(&format!("api_key={SECRET}"))), "{way}: {seen:?}");
    }
}

#[test]
fn large_answers_are_trimmed_and_say_so() {
    let items: Vec<Value> =
        (0..500).map(|number| json!({"id": format!("i{number}"), "junk": "x".repeat(50)})).collect();
    let (_service, tools, _folder) = serve(move |_| json_answer(&json!(items)));
    let text = ok(&tools.call("shop.items_list", &json!({})));
    assert!(text.chars().count() < 8200 && !text.contains("junk"), "{text}");
    assert!(text.contains("(without fields that are not described)"), "{text}");
}

#[test]
fn private_addresses_and_other_servers_are_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let target = MockService::start(|_| json_answer(&json!({"inside": true})));
    let elsewhere = target.url.clone();
    let service = MockService::start(move |_| redirect(&format!("{elsewhere}/items/1")));
    let mut config = config(&service.url, &folder);
    let get = |config: &OpenApiConfig| toolbox(config, &folder).call("shop.items_get", &json!({"id": "1"}));
    let value = get(&config);
    assert_eq!(value.state, ActionState::HttpError);
    assert!(value.for_model().contains("found a redirect to another server"), "{}", value.for_model());
    config.allow_private.clear();
    let value = get(&config);
    assert!(
        value.for_model().contains("127.0.0.1: found the private address 127.0.0.1"),
        "{}",
        value.for_model()
    );
    config.server = Some(service.url.replace("127.0.0.1", "localhost"));
    let value = get(&config);
    assert!(value.for_model().contains("found the private address"), "{}", value.for_model());
    assert_eq!((service.seen().len(), target.seen().len()), (1, 0));
    let error = OpenApi::read(&format!("{}/openapi.json?key={SECRET}", service.url)).expect_err("private");
    assert!(error.to_string().contains("private address") && !error.to_string().contains(SECRET), "{error}");
}

#[test]
fn a_description_is_read_from_an_address_with_its_parts() {
    let text = std::fs::read_to_string(shop()).expect("reads");
    let parts = std::fs::read_to_string(shop().with_file_name("parts.yaml")).expect("reads");
    let service = MockService::start(move |seen| match seen.path.as_str() {
        "/docs/shop.yaml" => answer(200, "text/yaml", text.clone()),
        "/docs/parts.yaml" => answer(200, "text/yaml", parts.clone()),
        _ => answer(404, "text/plain", "nothing"),
    });
    let config = OpenApiConfig::new(format!("{}/docs/shop.yaml", service.url)).with_private("127.0.0.1");
    let import = OpenApi::read_configured(&config).expect("reads");
    assert_eq!(import.specs("shop")[3].parameters["properties"]["body"]["required"], json!(["name"]));
    let missing = OpenApiConfig::new(format!("{}/nothing", service.url)).with_private("127.0.0.1");
    let error = OpenApi::read_configured(&missing).expect_err("is not there");
    assert!(error.to_string().contains("found the status 404, expected 200"), "{error}");
}

#[test]
fn what_a_tool_lacks_is_said_before_the_call() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let readiness = |config: &OpenApiConfig, name: &str| {
        let tools = OpenApi::actions("shop", config, &settings(&folder)).expect("is configured");
        tools.into_iter().find(|tool| tool.spec().name == name).expect("is there").readiness()
    };
    let unavailable = |reason: &str| Readiness::Unavailable { reason: reason.to_owned() };
    let mut config = OpenApiConfig::new(shop().display().to_string());
    assert_eq!(readiness(&config, "shop.items_get"), unavailable("unavailable: needs auth.key"));
    assert_eq!(
        readiness(&config, "shop.items_delete"),
        unavailable("unavailable: needs auth.login, or auth.client")
    );
    assert_eq!(readiness(&config, "shop.post_search"), Readiness::Ready);
    config.anonymous = Anonymous::Yes;
    assert_eq!(readiness(&config, "shop.items_get"), Readiness::Ready);
    config.server_variables = BTreeMap::from([("region".to_owned(), "moon".to_owned())]);
    let expected = "unavailable: needs the key `server`: region: found `moon`, expected one of eu, us";
    assert_eq!(readiness(&config, "shop.items_get"), unavailable(expected));
}

#[test]
fn settings_without_effect_are_refused() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let refused = |change: &dyn Fn(&mut OpenApiConfig)| {
        let mut config = OpenApiConfig::new(shop().display().to_string());
        change(&mut config);
        let tools = OpenApi::actions("shop", &config, &settings(&folder));
        tools.map(|tools| tools.len()).expect_err("refused").to_string()
    };
    let message = refused(&|config| config.include = vec!["items*".to_owned(), "orders*".to_owned()]);
    assert!(message.starts_with("openapi.shop.include: found `orders*`"), "{message}");
    let message =
        refused(&|config| config.server_variables = BTreeMap::from([("area".to_owned(), "x".to_owned())]));
    assert_eq!(message, "openapi.shop.server-variables: found `area`, expected a variable of a server");
    let message = refused(&|config| config.server = Some("shop.example".to_owned()));
    assert_eq!(message, "openapi.shop.server: found the server `shop.example`, expected a whole address");
    let message = refused(&|config| {
        config.auth.insert("kee".to_owned(), Credential::from_variable("K"));
    });
    assert!(message.starts_with("openapi.shop.auth: found `kee` without `kind`"), "{message}");
}

#[test]
fn operations_are_selected_and_approved() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut config = OpenApiConfig::new(shop().display().to_string());
    config.include = vec!["tag:items".to_owned(), "POST /items".to_owned(), "photo".to_owned()];
    config.exclude = vec!["*_get".to_owned()];
    let tools = toolbox(&config, &folder);
    let names: Vec<String> = tools.specs().into_iter().map(|spec| spec.name).collect();
    assert_eq!(names, ["shop.items_add", "shop.items_list", "shop.photo"]);
    assert_eq!(tools.approvals(), ["shop.items_add", "shop.photo"]);
    config.approve = Approve::Nothing;
    assert!(toolbox(&config, &folder).approvals().is_empty());
    config.approve = Approve::All;
    assert_eq!(toolbox(&config, &folder).approvals().len(), 3);
}

#[test]
fn credentials_that_the_description_does_not_know() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let service = MockService::start(|_| json_answer(&json!({})));
    let path = folder.path().join("key");
    std::fs::write(&path, SECRET).expect("writes");
    let text = "openapi: 3.1.0\npaths: {/a: {get: {operationId: a, responses: {}}}}\n";
    std::fs::write(folder.path().join("a.yaml"), text).expect("writes");
    let mut credential = Credential::from_file(&path);
    credential.kind = Some(CredentialKind::Header);
    credential.name = Some("X-Own".to_owned());
    let source = folder.path().join("a.yaml").display().to_string();
    let config = OpenApiConfig::new(source)
        .with_server(&*service.url)
        .with_private("127.0.0.1")
        .with_auth("own", credential);
    ok(&toolbox(&config, &folder).call("shop.a", &json!({})));
    assert_eq!(service.seen()[0].header("x-own"), SECRET);
}

#[test]
fn a_rapid_api_listing_is_called_with_host_and_key() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let service = MockService::start(|_| json_answer(&json!({"degrees": 21})));
    let listing = json!({"tool_name": "Weather", "host": "weather.p.rapidapi.com", "api_list": [{
        "name": "Today's forecast", "url": "https://weather.p.rapidapi.com/today/{city}", "method": "GET",
        "description": "Returns the weather of a city.",
        "required_parameters": [{"name": "city", "type": "STRING"}],
        "optional_parameters": [{"name": "days", "type": "NUMBER", "default": 1}],
    }]});
    let source = folder.path().join("weather.json");
    std::fs::write(&source, listing.to_string()).expect("writes");
    std::fs::write(folder.path().join("key"), SECRET).expect("writes");
    let config = OpenApiConfig::new(source.display().to_string())
        .with_server(&*service.url)
        .with_private("127.0.0.1")
        .with_auth("rapidapi", Credential::from_file(folder.path().join("key")));
    let value = toolbox(&config, &folder).call("shop.Today_s_forecast", &json!({"city": "Köln", "days": 2}));
    assert_eq!(ok(&value), "{\"degrees\":21}");
    let seen = &service.seen()[0];
    assert_eq!((seen.path.as_str(), seen.query.as_str()), ("/today/K%C3%B6ln", "days=2"));
    assert_eq!(seen.header("x-rapidapi-host"), "weather.p.rapidapi.com");
    assert_eq!(seen.header("x-rapidapi-key"), SECRET);
}

#[test]
fn the_command_line_lists_tools_and_reasons() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let shop = shop().display().to_string();
    let ran = lagent(folder.path(), &["openapi", "import", &shop, "--name", "shop"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout
            .lines()
            .next()
            .is_some_and(|line| line.starts_with("shop.items_get") && line.ends_with("Returns an item.")),
        "{}",
        ran.stdout
    );
    assert!(ran.stderr.contains("skipped GET /signed: security `signature`"), "{}", ran.stderr);
    assert!(ran.stderr.ends_with("6 of 8 operations become tools\n"), "{}", ran.stderr);
    let ran = lagent(folder.path(), &["openapi", "import", &shop, "--json"]);
    let first: Value = serde_json::from_str(ran.stdout.lines().next().expect("a line")).expect("is JSON");
    assert_eq!(first["name"], "api.items_get");
    let ran = lagent(folder.path(), &["openapi", "import", "missing.yaml"]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("missing.yaml"), "{}", ran.stderr);
}

#[test]
fn an_agent_file_names_services() {
    let text = format!(
        "[openapi.shop]\nsource = {:?}\nanonymous = \"yes\"\ninclude = [\"items_list\"]\n",
        shop().display().to_string()
    );
    let config: lagent::config::AgentConfig =
        internlm_kit::config::parse(&text, "agent.toml").expect("is valid");
    let names: Vec<String> =
        config.toolbox().expect("is configured").specs().into_iter().map(|spec| spec.name).collect();
    assert_eq!(names, ["shop.items_list"]);
    let wrong = format!("{text}pages = 0\n");
    let error = internlm_kit::config::parse::<lagent::config::AgentConfig>(&wrong, "agent.toml")
        .expect_err("no pages");
    assert!(error.to_string().contains("openapi.shop.pages: found 0, expected at least 1"), "{error}");
}
