//! `GET /metrics`: live numbers in Prometheus' text format
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::{Display, Write};

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, header};

use super::app::App;
use super::failure::Failure;

/// Content type of version 0.0.4 of the format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// What the names of all metrics begin with.
const PREFIX: &str = "lagent:";

/// Answers with all numbers.
pub(super) async fn show(
    State(app): State<App>,
    headers: HeaderMap,
) -> Result<([(HeaderName, &'static str); 1], String), Failure> {
    if !app.config.public_metrics {
        app.tenants.find(&headers)?;
    }
    Ok(([(header::CONTENT_TYPE, TEXT)], render(&app)))
}

fn render(app: &App) -> String {
    let mut page = Page::default();
    for (name, help, value) in [
        ("runs_running", "Questions under way.", app.counts.running()),
        ("runs_known", "Runs whose events can be read.", app.runs.count()),
        ("sessions", "Sessions in memory.", app.sessions.count()),
    ] {
        page.family(name, "gauge", help);
        page.value(name, &[], value);
    }
    let sums = app.counts.sums();
    page.family("runs_total", "counter", "Ended runs by agent and end.");
    for ((agent, status), count) in &sums.ended {
        page.value("runs_total", &[("agent", agent.as_str()), ("status", *status)], count);
    }
    for (place, name, help) in [
        (0, "prompt_tokens_total", "Tokens of the prompts of all model requests."),
        (1, "generation_tokens_total", "Tokens that models have generated."),
        (2, "tool_calls_total", "Tool calls, failed ones included."),
    ] {
        page.family(name, "counter", help);
        for (agent, used) in &sums.used {
            let value = used.get(place).copied().unwrap_or_default();
            page.value(name, &[("agent", agent.as_str())], value);
        }
    }
    page.family("http_requests_total", "counter", "Answered requests by route and status.");
    for ((route, status), count) in &sums.answered {
        let status = status.to_string();
        page.value("http_requests_total", &[("route", route.as_str()), ("status", status.as_str())], count);
    }
    page.text
}

/// A page of metrics under way.
#[derive(Debug, Default)]
struct Page {
    text: String,
}

impl Page {
    /// Begins a metric.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string succeeds.
        let _ = writeln!(self.text, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}");
    }

    /// Writes one value of a metric.
    fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escape(text))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.text, "{PREFIX}{name}{labels} {value}");
    }
}

/// Escapes the value of a label.
fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_by_prometheus() {
        let mut page = Page::default();
        page.family("size", "gauge", "How large.");
        page.value("size", &[], 3);
        page.value("size", &[("agent", "a \"b\"\\c\nd"), ("kind", "x")], 0.5);
        let expected = [
            "# HELP lagent:size How large.",
            "# TYPE lagent:size gauge",
            "lagent:size 3",
            "lagent:size{agent=\"a \\\"b\\\"\\\\c\\nd\",kind=\"x\"} 0.5",
        ];
        assert_eq!(page.text.lines().collect::<Vec<_>>(), expected);
    }
}
