//! [`Page`]: Prometheus' text format (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::{Display, Write};

use crate::engine::HistogramSnapshot;

/// What the names of all metrics begin with.
const PREFIX: &str = "lmdeploy:";

/// A page of metrics under way.
pub(super) struct Page {
    pub(super) text: String,
    /// The labels of every value; upstream numbers its engines.
    labels: String,
}

impl Page {
    /// An empty page about the engine of `model`.
    pub(super) fn new(model: &str) -> Self {
        let labels = format!("model_name=\"{}\",engine=\"0\"", escape(model));
        Self { text: String::new(), labels }
    }

    /// Begins a metric.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string succeeds.
        let _ = writeln!(self.text, "# HELP {PREFIX}{name} {help}\n# TYPE {PREFIX}{name} {kind}");
    }

    /// One value; `labels` begin with a comma.
    pub(super) fn value(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.text, "{PREFIX}{name}{{{}{labels}}} {value}", self.labels);
    }

    /// A whole histogram.
    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &HistogramSnapshot) {
        self.family(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in &histogram.buckets {
            self.value(&bucket, &format!(",le=\"{bound}\""), count);
        }
        self.value(&bucket, ",le=\"+Inf\"", histogram.count);
        self.value(&format!("{name}_sum"), "", histogram.sum);
        self.value(&format!("{name}_count"), "", histogram.count);
    }
}

/// Escapes the value of a label.
pub(super) fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_by_prometheus() {
        let mut page = Page::new("a \"b\"\\c\nd");
        page.family("size", "gauge", "How large.");
        page.value("size", ",kind=\"x\"", 3);
        let histogram = HistogramSnapshot { buckets: vec![(0.5, 1), (10.0, 3)], count: 4, sum: 20.25 };
        page.histogram("time", "How long.", &histogram);
        let labels = "model_name=\"a \\\"b\\\"\\\\c\\nd\",engine=\"0\"";
        let expected = [
            "# HELP lmdeploy:size How large.".to_owned(),
            "# TYPE lmdeploy:size gauge".to_owned(),
            format!("lmdeploy:size{{{labels},kind=\"x\"}} 3"),
            "# HELP lmdeploy:time How long.".to_owned(),
            "# TYPE lmdeploy:time histogram".to_owned(),
            format!("lmdeploy:time_bucket{{{labels},le=\"0.5\"}} 1"),
            format!("lmdeploy:time_bucket{{{labels},le=\"10\"}} 3"),
            format!("lmdeploy:time_bucket{{{labels},le=\"+Inf\"}} 4"),
            format!("lmdeploy:time_sum{{{labels}}} 20.25"),
            format!("lmdeploy:time_count{{{labels}}} 4"),
        ];
        assert_eq!(page.text.lines().collect::<Vec<_>>(), expected);
    }
}
