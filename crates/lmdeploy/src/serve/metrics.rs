//! `GET /metrics`: live numbers in Prometheus' text format, under upstream's names, and the line about them in the log.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, header};

use super::App;

mod page;

use page::{Page, escape};

/// Content type of version 0.0.4 of the format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// How often the log has a line about a server that works.
const LINE: Duration = Duration::from_secs(10);

/// Answers with all numbers.
pub(super) async fn show(State(app): State<App>) -> ([(HeaderName, &'static str); 1], String) {
    ([(header::CONTENT_TYPE, TEXT)], render(&app))
}

/// Writes a line into the log every 10 s, while there is something to do.
pub(super) async fn log(app: App) -> Infallible {
    let mut before = (0, 0);
    loop {
        tokio::time::sleep(LINE).await;
        let gauges = app.responder.engine().gauges();
        let stats = gauges.stats();
        let after = (gauges.prompt_tokens(), gauges.generated_tokens());
        if after == before && stats.running + stats.waiting == 0 {
            continue;
        }
        tracing::info!(
            running = stats.running,
            waiting = stats.waiting,
            kv_use = share(stats.active_blocks as u64, stats.blocks as u64),
            prefix_hits = share(stats.prefix_hit_tokens, stats.prefix_lookup_tokens),
            prompt_tokens = after.0 - before.0,
            generated_tokens = after.1 - before.1,
            preemptions = stats.preemptions,
            "last 10 s"
        );
        before = after;
    }
}

/// A share to three decimals; 0 of nothing.
fn share(part: u64, whole: u64) -> f64 {
    (part as f64 / whole.max(1) as f64 * 1e3).round() / 1e3
}

fn render(app: &App) -> String {
    let mut page = Page::new(&app.responder.model().name);
    gauges(app, &mut page);
    counters(app, &mut page);
    for (name, help, histogram) in app.responder.engine().gauges().histograms() {
        page.histogram(name, help, &histogram);
    }
    page.family("http_requests_total", "counter", "Answered requests by route and status.");
    for ((route, status), count) in app.http.answered() {
        let labels = format!(",route=\"{}\",status=\"{status}\"", escape(&route));
        page.value("http_requests_total", &labels, count);
    }
    page.text
}

fn gauges(app: &App, page: &mut Page) {
    let gauges = app.responder.engine().gauges();
    let stats = gauges.stats();
    let (waiting, handled) = app.http.waiting_and_handled();
    let ended: u64 = gauges.ends().iter().map(|(_, count)| count).sum();
    let failed: u64 = gauges.ends().iter().filter(|(kind, _)| *kind == "error").map(|(_, count)| count).sum();
    for (name, help, value) in [
        ("num_requests_running", "Sequences that hold blocks.", stats.running as u64),
        ("num_requests_waiting", "Requests that wait in the queue.", stats.waiting as u64),
        ("num_requests_succeeded", "Requests that have ended without an error.", ended - failed),
        ("num_requests_failed", "Requests that have ended with an error.", failed),
        ("num_api_requests_routed", "HTTP requests that are handled.", handled),
        ("num_api_requests_waiting", "HTTP requests that wait to be handled.", waiting),
    ] {
        page.family(name, "gauge", help);
        page.value(name, "", value);
    }
    page.family(
        "gpu_cache_usage_perc",
        "gauge",
        "Share of the key-value cache that is in use, on any device.",
    );
    page.value("gpu_cache_usage_perc", "", share(stats.active_blocks as u64, stats.blocks as u64));
    page.family("prefix_cache_hit_rate", "gauge", "Share of looked up prompt tokens that were cached.");
    page.value("prefix_cache_hit_rate", "", share(stats.prefix_hit_tokens, stats.prefix_lookup_tokens));
    page.family("kv_blocks", "gauge", "Blocks of the key-value cache.");
    let free = stats.blocks.saturating_sub(stats.active_blocks + stats.cached_blocks);
    for (state, blocks) in [("active", stats.active_blocks), ("cached", stats.cached_blocks), ("free", free)]
    {
        page.value("kv_blocks", &format!(",state=\"{state}\""), blocks as u64);
    }
}

fn counters(app: &App, page: &mut Page) {
    let gauges = app.responder.engine().gauges();
    let cancelled =
        |cause: &str| gauges.ends().iter().find(|(kind, _)| *kind == cause).map_or(0, |end| end.1);
    for (name, help, value) in [
        ("prompt_tokens_total", "Tokens of prompts that were computed.", gauges.prompt_tokens()),
        ("generation_tokens_total", "Tokens generated so far.", gauges.generated_tokens()),
        ("cached_tokens_total", "Tokens of prompts that were cached.", gauges.cached_tokens()),
        (
            "preemptions_total",
            "Times that a sequence gave up its blocks for another one.",
            gauges.stats().preemptions,
        ),
        ("spec_decode_num_drafts_total", "Drafts of speculative decoding.", 0),
        ("spec_decode_num_draft_tokens_total", "Tokens of drafts.", 0),
        ("spec_decode_num_accepted_tokens_total", "Accepted tokens of drafts.", 0),
    ] {
        page.family(name, "counter", help);
        page.value(name, "", value);
    }
    page.family("request_success_total", "counter", "Ended requests by the kind of their end.");
    for (kind, count) in gauges.ends() {
        page.value("request_success_total", &format!(",finished_reason=\"{kind}\""), count);
    }
    page.family("requests_rejected_total", "counter", "Refused requests by reason.");
    for (reason, count) in gauges.rejections() {
        page.value("requests_rejected_total", &format!(",reason=\"{reason}\""), count);
    }
    page.family("requests_cancelled_total", "counter", "Cancelled requests by cause.");
    for cause in ["abort", "shutdown", "slow_reader"] {
        page.value("requests_cancelled_total", &format!(",cause=\"{cause}\""), cancelled(cause));
    }
}
