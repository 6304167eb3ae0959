//! `POST /sleep`, `POST /wakeup`, `GET /is_sleeping`: an operator takes back the memory of a server that is not needed.

use axum::Json;
use axum::extract::{FromRequest, Request, State};
use axum::http::header;

use super::failure::Failure;
use super::query::Query;
use super::{App, blocking, body, extract};
use crate::engine::{SleepLevel, SleepPart};
use crate::protocol::SleepStatus;
use crate::{Error, Result};

/// A request that says everything in its URL.
pub(super) struct Bodiless(Query);

impl FromRequest<App> for Bodiless {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        if app.is_draining() {
            return Err(Failure::new(503, "the server is shutting down"));
        }
        let headers = request.headers();
        // A page of another origin sends its own, and cannot send the content type of JSON without asking first.
        if headers.contains_key(header::CONTENT_TYPE) || headers.contains_key(header::ORIGIN) {
            extract::check(headers)?;
        }
        let query = Query::read(request.uri().query())?;
        let bytes = body::read(request).await?;
        match bytes.trim_ascii() {
            b"" | b"{}" => Ok(Self(query)),
            _ => Err(Failure::new(400, "request body: found fields, expected none: they belong in the URL")),
        }
    }
}

/// Releases weights and cache once the running requests have ended. They sleep together, whatever `tags` says.
pub(super) async fn sleep(
    State(app): State<App>,
    Bodiless(query): Bodiless,
) -> Result<Json<SleepStatus>, Failure> {
    let level = level(&query)?;
    let engine = app.responder.engine().clone();
    blocking::run(move || engine.sleep(level)).await?;
    Ok(Json(SleepStatus { ignored: tags(&query), ..status(&app) }))
}

/// Gets back what was released. As upstream, a request with a tag that is not known has no effect.
pub(super) async fn wake(
    State(app): State<App>,
    Bodiless(query): Bodiless,
) -> Result<Json<SleepStatus>, Failure> {
    let tags = tags(&query);
    let known: Option<Vec<SleepPart>> = tags.iter().map(|tag| SleepPart::from_name(tag)).collect();
    let Some(known) = known else { return Ok(Json(SleepStatus { ignored: tags, ..status(&app) })) };
    let parts = if known.is_empty() { SleepPart::ALL.to_vec() } else { known };
    let engine = app.responder.engine().clone();
    blocking::run(move || engine.wake(&parts)).await?;
    Ok(Json(status(&app)))
}

/// Whether weights and cache are released.
pub(super) async fn is_sleeping(State(app): State<App>) -> Json<SleepStatus> {
    Json(status(&app))
}

fn status(app: &App) -> SleepStatus {
    let asleep = app.responder.engine().gauges().asleep();
    SleepStatus {
        is_sleeping: !asleep.is_empty(),
        sleeping_tags: asleep.into_iter().map(|part| part.name().to_owned()).collect(),
        ignored: Vec::new(),
    }
}

/// The level that a URL asks for; upstream's default is 1.
fn level(query: &Query) -> Result<SleepLevel> {
    match query.one("level")? {
        None | Some("1") => Ok(SleepLevel::KeepFiles),
        Some("2") => Ok(SleepLevel::ReleaseFiles),
        Some(other) => Err(Error::field("level", format!("found `{other}`, expected 1 or 2"))),
    }
}

fn tags(query: &Query) -> Vec<String> {
    query.all("tags").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Query {
        Query::read(Some(text)).expect("a query")
    }

    #[test]
    fn a_level_is_one_or_two() {
        for (text, level) in [
            ("", SleepLevel::KeepFiles),
            ("level=1", SleepLevel::KeepFiles),
            ("a=3&level=2", SleepLevel::ReleaseFiles),
        ] {
            assert_eq!(super::level(&query(text)).expect("a level"), level, "{text}");
        }
        for text in ["level=0", "level=3", "level", "level=", "level=1.0", "level=-1", "level=1&level=2"] {
            let error = level(&query(text)).expect_err(text);
            assert!(
                matches!(&error, Error::Refused { status: 400, param: Some(param), .. } if param == "level")
            );
        }
    }

    #[test]
    fn tags_are_all_that_a_url_names() {
        assert_eq!(tags(&query("level=2")), Vec::<String>::new());
        assert_eq!(tags(&query("tags=kv_cache&a=b&tags=&tags")), ["kv_cache", "", ""]);
    }
}
