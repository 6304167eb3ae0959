//! The tools of the web against services on loopback, and the local index.

use std::fs;
use std::path::Path;

use internlm_kit::context::RunContext;
use lagent::action::{
    ActionState, CallContext, IndexSummary, Readiness, Service, ToolSettings, Toolbox, build_index,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::mock_service::{MockService, Seen, answer, json_answer, redirect};

const KEY: &str = "key-5f1c7e";

/// A service with a key in a file.
fn keyed(url: &str, folder: &TempDir, extra: &Value) -> Service {
    let path = folder.path().join("key");
    fs::write(&path, KEY).expect("writes");
    let extra = serde_json::from_value(extra.clone()).expect("is a table");
    Service { key_file: Some(path), extra, ..Service::at(url) }
}

fn toolbox(name: &str, service: Service) -> Toolbox {
    let settings = ToolSettings::default().with_service(name, service);
    Toolbox::with_tools(&[name.to_owned()], &settings).expect("is a toolkit")
}

/// The result of a call that must succeed, as JSON.
fn call(tools: &Toolbox, name: &str, arguments: &Value) -> Value {
    let value = tools.call(name, arguments);
    assert_eq!(value.state, ActionState::Success, "{}", value.for_model());
    serde_json::from_str(&value.for_model()).expect("is JSON")
}

/// State and message of a call that must fail.
fn failure(tools: &Toolbox, name: &str, arguments: &Value) -> (ActionState, String) {
    let value = tools.call(name, arguments);
    assert_ne!(value.state, ActionState::Success, "{}", value.for_model());
    (value.state, value.for_model())
}

#[test]
fn google_search_sends_its_key_and_prints_a_list() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let service = MockService::start(|_| {
        json_answer(&json!({"organic": [{"snippet": "one"}, {"snippet": "two"}, {"snippet": "three"}]}))
    });
    let tools = toolbox("GoogleSearch", keyed(&service.url, &folder, &json!({})));
    let value = tools.call("GoogleSearch", &json!({"query": "书生 a&b", "k": 2}));
    assert_eq!(value.for_model(), "['one', 'two']");
    let seen = &service.seen()[0];
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str(), seen.header("x-api-key")),
        ("POST", "/search", KEY)
    );
    assert_eq!(seen.query, "q=%E4%B9%A6%E7%94%9F+a%26b&k=2");
    let (state, message) = failure(&tools, "GoogleSearch", &json!({"query": "a", "k": 0}));
    assert_eq!(
        (state, message.as_str()),
        (ActionState::ArgsError, "k: found 0, expected a whole number from 1 to 100")
    );
}

#[test]
fn a_refusal_is_an_error_without_the_key() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let service = MockService::start(|_| {
        answer(403, "application/json", json!({"message": format!("{KEY} is not valid")}).to_string())
    });
    let tools = toolbox("GoogleSearch", keyed(&service.url, &folder, &json!({})));
    let (state, message) = failure(&tools, "GoogleSearch", &json!({"query": "a"}));
    assert_eq!(state, ActionState::HttpError);
    assert_eq!(message, format!("{}/search: 403 Forbidden: *** is not valid", service.url));
    let without =
        Toolbox::with_tools(&["GoogleSearch".to_owned()], &ToolSettings::default()).expect("is a tool");
    let (name, reason) = without.first_unavailable().expect("has no key");
    assert_eq!(name, "GoogleSearch");
    assert!(reason.starts_with("unavailable: needs a key of https://google.serper.dev"), "{reason}");
    assert_eq!(failure(&without, "GoogleSearch", &json!({"query": "a"})), (ActionState::ApiError, reason));
}

fn scholar(seen: &Seen) -> axum::response::Response {
    let engine = seen.query.split('&').find_map(|pair| pair.strip_prefix("engine=")).unwrap_or_default();
    json_answer(&match engine {
        "google_scholar" => json!({"organic_results": [{"title": "T", "snippet": "S", "result_id": "R",
            "publication_info": {"summary": "P"}, "inline_links": {"cited_by": {"total": 3}}}]}),
        "google_scholar_author" => json!({"author": {"name": "N", "affiliations": "A"}, "articles": []}),
        "google_scholar_cite" => json!({"citations": [{"title": "MLA", "snippet": "N. \"T\"."}]}),
        "google_scholar_profiles" => json!({"profiles": [{"author_id": "I"}]}),
        _ => json!({"error": "unknown engine"}),
    })
}

#[test]
fn google_scholar_has_four_methods() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let service = MockService::start(scholar);
    let tools = toolbox("GoogleScholar", keyed(&service.url, &folder, &json!({})));
    let found = call(&tools, "GoogleScholar.search_google_scholar", &json!({"query": "q", "as_ylo": "2018"}));
    assert_eq!(found, json!({"title": ["T"], "cited_by": [3], "organic_id": ["R"], "snippets": ["S"]}));
    let found = call(&tools, "GoogleScholar.get_author_information", &json!({"author_id": "I"}));
    assert_eq!(found, json!({"name": "N", "affiliations": "A", "website": "", "articles": []}));
    let cited = tools.call("GoogleScholar.get_citation_format", &json!({"q": "R", "async_": false}));
    assert_eq!(cited.for_model(), "N. \"T\".");
    let found = call(&tools, "GoogleScholar.get_author_id", &json!({"mauthors": "N"}));
    assert_eq!(found, json!({"author_id": "I"}));
    let queries: Vec<String> = service.seen().into_iter().map(|seen| seen.query).collect();
    assert_eq!(queries[0], format!("engine=google_scholar&q=q&as_ylo=2018&api_key={KEY}"));
    let (state, message) =
        failure(&tools, "GoogleScholar.get_author_id", &json!({"mauthors": "N", "output": "html"}));
    assert_eq!((state, message.as_str()), (ActionState::ArgsError, "output: found `html`, expected json"));
}

#[test]
fn arxiv_articles_are_printed_as_upstream_does() {
    let feed = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><updated>2024-03-26T00:00:00Z</updated>\
        <title>InternLM2</title><summary>A report.</summary><author><name>A</name></author>\
        <author><name>B</name></author></entry></feed>";
    let service = MockService::start(move |_| answer(200, "application/atom+xml", feed));
    let tools = toolbox("ArxivSearch", Service::at(&service.url));
    let name = "ArxivSearch.get_arxiv_article_information";
    let found = call(&tools, name, &json!({"query": "internlm"}));
    let expected = "Published: 2024-03-26\nTitle: InternLM2\nAuthors: A, B\nSummary: A report.";
    assert_eq!(found, json!({"content": expected}));
    assert!(
        service.seen()[0].query.contains("search_query=internlm")
            && service.seen()[0].query.ends_with("max_results=3")
    );
    let empty = MockService::start(|_| answer(200, "application/atom+xml", "<feed></feed>"));
    let tools = toolbox("ArxivSearch", Service::at(&empty.url));
    assert_eq!(
        call(&tools, name, &json!({"query": "x"})),
        json!({"content": "No good Arxiv Result was found"})
    );
}

/// What the engines send for every query.
fn engines(seen: &Seen) -> axum::response::Response {
    let page =
        json!({"url": "http://page.example/", "title": "Page", "description": "Text", "content": "Text"});
    match seen.path.as_str() {
        "/html/" => answer(
            200,
            "text/html",
            "<a class=result__a href='http://page.example/'>Page</a><a class=result__snippet>Text</a>",
        ),
        "/bing" => json_answer(&json!({
            "webPages": {"value": [{"id": "1", "url": "http://page.example/", "snippet": "Text", "name": "Page"}]},
            "rankingResponse": {"mainline": {"items": [{"answerType": "WebPages", "value": {"id": "1"}}]}},
        })),
        "/brave" => json_answer(&json!({"web": {"results": [page]}})),
        "/google" => json_answer(&json!({
            "organic": [{"link": "http://page.example/", "snippet": "Text", "title": "Page"}],
        })),
        "/searx/search" => json_answer(&json!({"results": [page]})),
        _ => json_answer(&json!({"Response": {"Pages": [{"Display": page.to_string()}]}})),
    }
}

#[test]
fn every_engine_gives_the_same_form() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let service = MockService::start(engines);
    let expected = json!({"0": {"url": "http://page.example/", "summ": "Text", "title": "Page"}});
    for (engine, path, header) in [
        ("bing", "/bing", "ocp-apim-subscription-key"),
        ("brave", "/brave", "x-subscription-token"),
        ("google", "/google", "x-api-key"),
        ("tencent", "", "authorization"),
    ] {
        let mut extra = json!({"backend": engine});
        if engine == "tencent" {
            extra["secret-id"] = json!("AKID");
        }
        let tools = toolbox("WebBrowser", keyed(&format!("{}{path}", service.url), &folder, &extra));
        assert_eq!(call(&tools, "WebBrowser.search", &json!({"query": "q"})), expected, "{engine}");
        let seen = service.seen().pop().expect("was asked");
        assert!(!seen.header(header).is_empty(), "{engine}");
        assert!(!seen.query.contains(KEY) && !seen.body.contains(KEY), "{engine}");
    }
    for (engine, path) in [("duckduckgo", "/html"), ("searxng", "/searx")] {
        let extra = [("backend".to_owned(), json!(engine))].into();
        let service = Service { extra, ..Service::at(format!("{}{path}", service.url)) };
        let tools = toolbox("BingBrowser", service);
        assert_eq!(
            call(&tools, "BingBrowser.search", &json!({"query": ["q", "r"]}))["0"]["summ"],
            "Text\nText"
        );
    }
}

/// A browser that searches and opens pages of one service on loopback.
fn browser(url: &str) -> Toolbox {
    let extra = [("backend".to_owned(), json!("searxng"))].into();
    toolbox("WebBrowser", Service { extra, allow: vec!["127.0.0.1".to_owned()], ..Service::at(url) })
}

/// A search engine whose results are its own pages.
fn site(seen: &Seen) -> axum::response::Response {
    let own = |path: &str| format!("http://{}{path}", seen.header("host"));
    match seen.path.as_str() {
        "/search" if seen.query.contains("nothing") => answer(500, "text/plain", "down"),
        "/search" => json_answer(&json!({"results": [
            {"url": own("/a"), "title": "A", "content": "first"},
            {"url": own("/hop"), "title": "B", "content": "second"},
            {"url": own("/file"), "title": "C", "content": "third"},
        ]})),
        "/a" => answer(200, "text/html", "<title>A</title><nav>Home</nav><p>Birds sing in the morning.</p>"),
        "/hop" => redirect("/a"),
        "/loop" => redirect("/loop"),
        "/private" => redirect("http://localhost:1/admin"),
        "/elsewhere" => redirect("http://127.0.0.2:1/admin"),
        "/script" => redirect("file:///etc/passwd"),
        "/large" => answer(200, "text/plain", vec![b'a'; 9 << 20]),
        "/text" => answer(200, "text/plain; charset=utf-8", "Grüße"),
        "/file" => answer(200, "application/pdf", "%PDF"),
        _ => answer(404, "text/plain", "nothing here"),
    }
}

#[test]
fn results_can_be_opened_and_each_session_has_its_own() {
    let service = MockService::start(site);
    let tools = browser(&service.url);
    let select = |session: &str, ids: Value| {
        let context = CallContext { session, ..CallContext::default() };
        tools.call_in(&context, "WebBrowser.select", &json!({"select_ids": ids})).for_model()
    };
    assert_eq!(select("one", json!([0])), "No search results to select from.");
    let context = CallContext { session: "one", ..CallContext::default() };
    let found = tools.call_in(&context, "WebBrowser.search", &json!({"query": ["birds", "nothing"]}));
    let found: Value = serde_json::from_str(&found.for_model()).expect("is JSON");
    assert_eq!(found["1"]["title"], "B");
    assert!(found["errors"]["nothing"].as_str().is_some_and(|message| message.contains("500")), "{found}");
    let opened: Value = serde_json::from_str(&select("one", json!([0, 1, 2]))).expect("is JSON");
    assert_eq!(opened["0"]["content"], "Birds sing in the morning.");
    assert_eq!(opened["1"]["content"], "Birds sing in the morning.");
    assert!(opened["errors"]["2"].as_str().is_some_and(|message| message.contains("application/pdf")));
    assert_eq!(select("one", json!([7])), "select_ids: found 7, expected 0 to 2");
    assert_eq!(select("one", json!([0, 1, 2, 3, 4])), "select_ids: found 5 pages, expected 1 to 4");
    assert_eq!(select("two", json!([0])), "No search results to select from.");
}

#[test]
fn pages_are_opened_by_their_address() {
    let service = MockService::start(site);
    let tools = browser(&service.url);
    let open = |path: &str| {
        let value = tools.call("WebBrowser.open_url", &json!({"url": format!("{}{path}", service.url)}));
        (value.state, value.for_model())
    };
    let expected = r#"{"type": "text", "content": "Birds sing in the morning."}"#;
    assert_eq!(open("/a"), (ActionState::Success, expected.to_owned()));
    assert_eq!(open("/text").1, r#"{"type": "text", "content": "Grüße"}"#);
    for (path, state, part) in [
        ("/loop", ActionState::HttpError, "found more than 5 redirects"),
        ("/private", ActionState::HttpError, "found the host localhost, expected one of 127.0.0.1"),
        ("/elsewhere", ActionState::HttpError, "found the host 127.0.0.2, expected one of 127.0.0.1"),
        ("/script", ActionState::HttpError, "found an address of `file`, expected http or https"),
        ("/large", ActionState::HttpError, "found more than 8388608 bytes"),
        ("/missing", ActionState::HttpError, "404 Not Found"),
        ("/file", ActionState::ApiError, "found application/pdf, expected a page or a text"),
    ] {
        let (found, message) = open(path);
        assert!(found == state && message.contains(part), "{path}: {message}");
    }
}

#[test]
fn private_addresses_are_refused_by_default() {
    let service = MockService::start(site);
    let tools = toolbox("WebBrowser", Service::default());
    for url in [service.url.clone(), service.url.replace("127.0.0.1", "localhost")] {
        let (state, message) = failure(&tools, "WebBrowser.open_url", &json!({"url": url}));
        assert_eq!(state, ActionState::HttpError);
        assert!(message.contains("found the private address"), "{message}");
    }
    assert!(service.seen().is_empty());
}

fn indexed(folder: &Path, index: &Path) -> IndexSummary {
    build_index(folder, index, "", &RunContext::default()).expect("builds")
}

#[test]
fn a_local_index_is_searched_opened_and_kept_up_to_date() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (pages, index) = (folder.path().join("pages"), folder.path().join("index"));
    fs::create_dir_all(pages.join("guide")).expect("creates");
    let tide = "<title>Tides</title><nav>Home</nav><p>The tide of the harbor turns with the moon.</p>";
    fs::write(pages.join("guide/tide.html"), tide).expect("writes");
    fs::write(pages.join("birds.md"), "# Birds\n\nBirds sing in the harbor.\n").expect("writes");
    fs::write(pages.join("zh.txt"), "书生·浦语大模型是一个开源的模型。").expect("writes");
    fs::write(pages.join("picture.png"), "no text").expect("writes");
    fs::write(pages.join("empty.txt"), " \n").expect("writes");
    assert_eq!(indexed(&pages, &index), IndexSummary { indexed: 3, skipped: 1, ..IndexSummary::default() });
    assert_eq!(indexed(&pages, &index), IndexSummary { unchanged: 3, skipped: 1, ..IndexSummary::default() });

    let extra = [("backend".to_owned(), json!("local")), ("index".to_owned(), json!(index))].into();
    let tools = toolbox("WebBrowser", Service { extra, ..Service::default() });
    let first = |query: &str| call(&tools, "WebBrowser.search", &json!({"query": query}))["0"].clone();
    assert_eq!(first("When does the TIDE turn?")["url"], "guide/tide.html");
    assert_eq!(first("harbor birds")["title"], "Birds");
    let found = first("浦语模型");
    assert_eq!(found["url"], "zh.txt");
    assert!(found["summ"].as_str().is_some_and(|text| text.contains("浦语")), "{found}");
    let opened = call(&tools, "WebBrowser.select", &json!({"select_ids": [0]}));
    assert_eq!(opened["0"]["content"], "书生·浦语大模型是一个开源的模型。");
    let opened = call(&tools, "WebBrowser.open_url", &json!({"url": "guide/tide.html"}));
    assert_eq!(opened["content"], "The tide of the harbor turns with the moon.");
    assert_eq!(call(&tools, "WebBrowser.search", &json!({"query": "volcano"})), json!({}));

    fs::write(pages.join("birds.md"), "# Fish\n\nFish swim.\n").expect("writes");
    fs::remove_file(pages.join("zh.txt")).expect("removes");
    let expected = IndexSummary { indexed: 1, unchanged: 1, skipped: 1, removed: 1 };
    assert_eq!(indexed(&pages, &index), expected);
    assert_eq!(first("fish")["url"], "birds.md");
    assert_eq!(call(&tools, "WebBrowser.search", &json!({"query": "sing 浦"})), json!({}));
}

#[test]
fn folders_that_are_not_indexes_are_left_alone() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (pages, other) = (folder.path().join("pages"), folder.path().join("other"));
    for path in [&pages, &other] {
        fs::create_dir(path).expect("creates");
        fs::write(path.join("a.txt"), "text").expect("writes");
    }
    let error = build_index(&pages, &other, "", &RunContext::default()).expect_err("another folder");
    assert!(
        error.to_string().contains("found a folder with other files, expected an index or an empty folder")
    );
    assert!(build_index(&pages.join("none"), &other, "", &RunContext::default()).is_err());
    let extra = [("backend".to_owned(), json!("local")), ("index".to_owned(), json!(other))].into();
    let tools = toolbox("WebBrowser", Service { extra, ..Service::default() });
    let reason = tools.first_unavailable().expect("has no index").1;
    assert!(reason.starts_with("unavailable: needs an index in"), "{reason}");
    let ready = lagent::action::build("WebBrowser", &ToolSettings::default()).expect("is a toolkit");
    assert!(ready.iter().all(|tool| tool.readiness() == Readiness::Ready));
}
