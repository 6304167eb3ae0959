//! `WebBrowser`, called `BingBrowser` in lagent 0.2: searches the web, and opens pages (`web_browser.py`).

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::browser_setup::Setup;
use super::hit::Hit;
use crate::Result;
use crate::action::local::Failure;
use crate::action::parameter::{Kind, required};
use crate::action::toolkit::{Call, Kit, Made, Method, Sessions, dictionary, tools};
use crate::action::{Action, Readiness, ToolSettings};

/// Maximum number of queries of one call.
const QUERIES: usize = 10;
/// Maximum number of pages of one call.
const SELECTED: usize = 4;
/// Number of characters of a selected page.
const EXCERPT: usize = 8192;
/// Number of characters of an opened page.
const WHOLE: usize = 65_536;

const METHODS: &[Method<Browser>] = &[
    Method {
        name: "search",
        description: "BING search API",
        parameters: &[required("query", Kind::Texts, "list of search query strings")],
        run: Browser::search,
    },
    Method {
        name: "select",
        description: "get the detailed content on the selected pages.",
        parameters: &[required(
            "select_ids",
            Kind::Integers,
            "list of index to select. Max number of index to be selected is no more than 4.",
        )],
        run: Browser::select,
    },
    Method {
        name: "open_url",
        description: "If you want to get the information from the url provided by the user, use this tool.",
        parameters: &[required("url", Kind::Text, "the url of the webpage")],
        run: Browser::open_url,
    },
];

struct Browser {
    /// The settings, or what is wrong with them.
    setup: Result<Setup, String>,
    /// The results of each session's last search.
    found: Sessions<Vec<Hit>>,
}

/// Creates the toolkit under one of its names.
pub(super) fn build(name: &str, settings: &ToolSettings) -> Result<Vec<Arc<dyn Action>>> {
    let browser = Browser { setup: Setup::new(name, settings), found: Sessions::default() };
    Ok(tools(name, browser, METHODS))
}

impl Kit for Browser {
    fn readiness(&self) -> Readiness {
        match &self.setup {
            Ok(setup) => setup.readiness(),
            Err(reason) => Readiness::Unavailable { reason: reason.clone() },
        }
    }
}

impl Browser {
    fn setup(&self) -> Result<&Setup, Failure> {
        self.setup.as_ref().map_err(Failure::tool)
    }

    fn search(&self, call: &Call<'_>) -> Made {
        let setup = self.setup()?;
        let queries = call.arguments.texts("query")?;
        if queries.is_empty() || queries.len() > QUERIES {
            let expected = format!("expected 1 to {QUERIES}");
            return Err(Failure::arguments(format!("query: found {} queries, {expected}", queries.len())));
        }
        let answers = together(&queries, |query| setup.search(query, &call.context));
        let mut found: Vec<Hit> = Vec::new();
        let mut errors = Errors::default();
        for (query, answer) in queries.iter().zip(answers) {
            match answer {
                Ok(hits) => hits.into_iter().for_each(|hit| merge(&mut found, hit)),
                Err(failure) => errors.add(query, failure),
            }
        }
        let entries =
            found.iter().map(|hit| json!({"url": hit.url, "summ": hit.summary, "title": hit.title}));
        let result = entries.enumerate().map(|(id, entry)| (id.to_string(), entry)).collect();
        let text = errors.finish(result, queries.len())?;
        self.found.with(call.context.session, |last| *last = found);
        Ok(text)
    }

    fn select(&self, call: &Call<'_>) -> Made {
        let setup = self.setup()?;
        let mut ids = call.arguments.indexes("select_ids")?;
        ids.sort_unstable();
        ids.dedup();
        let found = self.found.with(call.context.session, |found| found.clone());
        if found.is_empty() {
            return Err(Failure::tool("No search results to select from."));
        }
        if ids.is_empty() || ids.len() > SELECTED {
            let expected = format!("expected 1 to {SELECTED}");
            return Err(Failure::arguments(format!("select_ids: found {} pages, {expected}", ids.len())));
        }
        let chosen: Result<Vec<&Hit>, Failure> = ids.iter().map(|id| hit(&found, *id)).collect();
        let chosen = chosen?;
        let pages = together(&chosen, |hit| setup.open(&hit.url, &call.context));
        let mut errors = Errors::default();
        let mut result = Map::new();
        for ((id, hit), page) in ids.iter().zip(&chosen).zip(pages) {
            match page {
                Ok(text) => {
                    let content = cut(&text, EXCERPT);
                    let entry = json!({"url": hit.url, "title": hit.title, "content": content});
                    result.insert(id.to_string(), entry);
                }
                Err(failure) => errors.add(&id.to_string(), failure),
            }
        }
        errors.finish(result, chosen.len())
    }

    fn open_url(&self, call: &Call<'_>) -> Made {
        let text = self.setup()?.open(call.arguments.text("url")?, &call.context)?;
        Ok(dictionary(&json!({"type": "text", "content": cut(&text, WHOLE)})))
    }
}

/// Works on all items at the same time and returns the results in the order of the items.
fn together<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R, Failure> + Sync,
) -> Vec<Result<R, Failure>> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = items.iter().map(|item| scope.spawn(move || work(item))).collect();
        let ended = |_| Err(Failure::tool("the request ended unexpectedly"));
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(ended)).collect()
    })
}

/// Adds a result, or its summary to the result with the same address.
fn merge(found: &mut Vec<Hit>, hit: Hit) {
    match found.iter_mut().find(|known| known.url == hit.url) {
        Some(known) => {
            known.summary.push('\n');
            known.summary.push_str(&hit.summary);
        }
        None => found.push(hit),
    }
}

fn hit(found: &[Hit], id: usize) -> Result<&Hit, Failure> {
    found.get(id).ok_or_else(|| {
        let last = found.len().saturating_sub(1);
        Failure::arguments(format!("select_ids: found {id}, expected 0 to {last}"))
    })
}

/// The first characters of a text; a mark says what is missing.
fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => {
            format!("{}\n[cut after {characters} of {} characters]", &text[..end], text.chars().count())
        }
    }
}

/// What failed while other parts of a call did not.
#[derive(Debug, Default)]
struct Errors {
    messages: Map<String, Value>,
    first: Option<Failure>,
    parts: usize,
}

impl Errors {
    fn add(&mut self, name: &str, failure: Failure) {
        self.messages.insert(name.to_owned(), Value::from(failure.message.as_str()));
        self.first.get_or_insert(failure);
        self.parts += 1;
    }

    /// The text of the parts that did not fail, and the messages of the others; the first failure if all failed.
    fn finish(self, mut result: Map<String, Value>, parts: usize) -> Made {
        match self.first {
            Some(failure) if self.parts == parts => return Err(failure),
            Some(_) => {
                result.insert("errors".to_owned(), Value::Object(self.messages));
            }
            None => {}
        }
        Ok(dictionary(&Value::Object(result)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_with_the_same_address_are_one() {
        let hit = |url: &str, summary: &str| Hit {
            url: url.to_owned(),
            summary: summary.to_owned(),
            ..Hit::default()
        };
        let mut found = Vec::new();
        for one in [hit("a", "1"), hit("b", "2"), hit("a", "3")] {
            merge(&mut found, one);
        }
        assert_eq!(found, [hit("a", "1\n3"), hit("b", "2")]);
    }

    #[test]
    fn a_part_that_failed_is_told_and_all_of_them_are_a_failure() {
        let mut errors = Errors::default();
        errors.add("q", Failure::service("down"));
        let text = errors.finish(Map::new(), 2).expect("one of two");
        assert_eq!(text, "{\"errors\": {\"q\": \"down\"}}");
        let mut errors = Errors::default();
        errors.add("q", Failure::service("down"));
        assert_eq!(errors.finish(Map::new(), 1), Err(Failure::service("down")));
        assert_eq!(cut("äöü", 2), "äö\n[cut after 2 of 3 characters]");
    }
}
