//! `/metrics`: every name of upstream, in a form that Prometheus reads, with numbers that add up.

use std::collections::BTreeMap;
use std::time::Duration;

use lmdeploy::config::ServerConfig;
use lmdeploy::protocol::CompletionRequest;

use crate::configured::Configured;
use crate::fixture::{Served, ask, mock, run};

/// Names without their prefix; histograms without their suffixes.
const NAMES: &[&str] = &[
    "num_requests_running",
    "num_requests_waiting",
    "num_requests_succeeded",
    "num_requests_failed",
    "num_api_requests_routed",
    "num_api_requests_waiting",
    "gpu_cache_usage_perc",
    "prefix_cache_hit_rate",
    "prompt_tokens_total",
    "generation_tokens_total",
    "cached_tokens_total",
    "request_success_total",
    "spec_decode_num_drafts_total",
    "spec_decode_num_draft_tokens_total",
    "spec_decode_num_accepted_tokens_total",
    "request_prompt_tokens",
    "request_generation_tokens",
    "request_cached_tokens",
    "request_cache_hit_ratio",
    "iteration_tokens_total",
    "time_to_first_token_seconds",
    "time_per_output_token_seconds",
    "iter_token_latency",
    "e2e_request_latency_seconds",
    "request_queue_time_seconds",
    "request_inference_time_seconds",
    "request_prefill_time_seconds",
    "request_decode_time_seconds",
    "kv_blocks",
    "requests_rejected_total",
    "requests_cancelled_total",
    "preemptions_total",
    "scheduler_step_seconds",
    "executor_step_seconds",
    "guided_mask_seconds",
    "http_requests_total",
];

async fn page(served: &Served) -> String {
    let answer = served.http.get(format!("{}/metrics", served.url)).send().await.expect("an answer");
    let kind = answer.headers()["content-type"].to_str().expect("text");
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    answer.text().await.expect("text")
}

/// The values of a page by name and labels; every line is checked.
fn values(page: &str) -> BTreeMap<String, f64> {
    let mut kinds = BTreeMap::new();
    let mut values = BTreeMap::new();
    for line in page.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("name and kind");
            assert!(kinds.insert(name, kind).is_none(), "{name} is there once");
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').expect("name and value");
            let value: f64 = value.parse().expect("a number");
            let family = name.split('{').next().unwrap_or_default();
            let known = ["", "_bucket", "_sum", "_count"]
                .iter()
                .any(|suffix| family.strip_suffix(*suffix).is_some_and(|family| kinds.contains_key(family)));
            assert!(known, "{line}");
            assert!(name.contains("{model_name=\"tiny\",engine=\"0\""), "{line}");
            assert!(values.insert(name.to_owned(), value).is_none(), "{name} is there once");
        }
    }
    values
}

#[test]
fn every_name_is_there() {
    run(async {
        let served = Served::start(mock("hi"));
        let page = page(&served).await;
        values(&page);
        for name in NAMES {
            assert!(page.contains(&format!("# TYPE lmdeploy:{name} ")), "{name}");
        }
        let found = page.lines().filter(|line| line.starts_with("# TYPE")).count();
        assert_eq!(found, NAMES.len());
    });
}

#[test]
fn numbers_add_up() {
    run(async {
        let served = Served::start(mock("the quick fox"));
        for _ in 0..3 {
            served.client.chat(&ask("hi")).await.expect("an answer");
        }
        served.client.completions(&CompletionRequest::new("a").with_max_tokens(1)).await.expect("an answer");
        assert_eq!(served.post("/v1/completions", "{}").await.0, 400);
        // An answer is there before it is counted.
        while served.metric("lmdeploy:num_requests_succeeded").await < 4 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let values = values(&page(&served).await);
        let value = |name: &str, labels: &str| {
            let key = format!("lmdeploy:{name}{{model_name=\"tiny\",engine=\"0\"{labels}}}");
            *values.get(&key).unwrap_or_else(|| panic!("{key}"))
        };
        assert_eq!(value("num_requests_succeeded", ""), 4.0);
        assert_eq!(value("num_requests_failed", ""), 0.0);
        assert_eq!(value("request_success_total", ",finished_reason=\"stop\""), 3.0);
        assert_eq!(value("request_success_total", ",finished_reason=\"length\""), 1.0);
        let chats = ",route=\"/v1/chat/completions\",status=\"200\"";
        assert_eq!(value("http_requests_total", chats), 3.0);
        let refused = ",route=\"/v1/completions\",status=\"400\"";
        assert_eq!(value("http_requests_total", refused), 1.0);
        for name in [
            "e2e_request_latency_seconds",
            "request_queue_time_seconds",
            "request_prefill_time_seconds",
            "time_to_first_token_seconds",
            "request_prompt_tokens",
        ] {
            assert_eq!(value(&format!("{name}_count"), ""), 4.0, "{name}");
            assert_eq!(value(&format!("{name}_bucket"), ",le=\"+Inf\""), 4.0, "{name}");
        }
        assert_eq!(value("request_generation_tokens_sum", ""), value("generation_tokens_total", ""));
        assert_eq!(value("request_prompt_tokens_sum", ""), value("prompt_tokens_total", ""));
        assert_eq!(value("guided_mask_seconds_count", ""), 0.0);
        assert_eq!(value("executor_step_seconds_count", ""), value("scheduler_step_seconds_count", ""));
        assert!(value("gpu_cache_usage_perc", "") == 0.0 && value("kv_blocks", ",state=\"active\"") == 0.0);
    });
}

#[test]
fn metrics_can_be_turned_off() {
    run(async {
        let mut config = ServerConfig::default();
        config.disable_metrics = true;
        let served = Configured::start(mock("hi"), config).await;
        assert_eq!(served.get("/metrics").await.0, 404);
        assert_eq!(served.get("/health").await.0, 200);
    });
}
