//! The load driver: streamed completions against any OpenAI-compatible server.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use internlm_kit::reporter::Reporter;
use internlm_kit::rng::CounterRng;

use super::{Percentiles, ServingReport};
use crate::client::Client;
use crate::config::BenchConfig;
use crate::protocol::CompletionRequest;
use crate::{Error, Result};

/// Words of the prompts: frequent in English text, one or two tokens each.
const WORDS: [&str; 32] = [
    "the", "of", "and", "to", "in", "is", "that", "for", "it", "as", "was", "with", "be", "by", "on", "not",
    "he", "this", "are", "or", "his", "from", "at", "which", "but", "have", "an", "had", "they", "you",
    "were", "their",
];

/// What one request measured.
struct Sample {
    first: Duration,
    between: Vec<Duration>,
    whole: Duration,
    prompt_tokens: u64,
    output_tokens: u64,
}

/// Sends the requests of `config` and measures the answers. Requests that fail are counted.
///
/// # Errors
/// [`Error::Unreachable`] when the server is not there; [`Error::Setting`] when it has no model.
pub(crate) async fn serving(
    client: &Client,
    config: &BenchConfig,
    reporter: &dyn Reporter,
) -> Result<ServingReport> {
    let models = client.models().await?;
    let Some(model) = models.data.first().map(|model| model.id.clone()) else {
        return Err(Error::setting(&client.config().base_url, "no model", "one"));
    };
    let rng = CounterRng::new(config.seed, "bench prompts");
    let progress = reporter.start("bench", "requests", config.requests as u64);
    let started = Instant::now();
    let requests = (0..config.requests).map(|index| {
        let request =
            request(&model, &prompt(rng.split(index as u64), config.input_words), config.output_tokens);
        let due = config.rate.map(|rate| Duration::from_secs_f64(index as f64 / rate));
        let progress = &progress;
        async move {
            if let Some(due) = due {
                tokio::time::sleep(due.saturating_sub(started.elapsed())).await;
            }
            let sample = measure(client, &request).await;
            progress.advance(1);
            sample
        }
    });
    let samples: Vec<Result<Sample>> =
        stream::iter(requests).buffer_unordered(config.concurrency).collect().await;
    Ok(report(config, samples, started.elapsed()))
}

fn request(model: &str, prompt: &str, output_tokens: u32) -> CompletionRequest {
    let request = CompletionRequest::new(prompt).with_model(model);
    let request = request.with_max_tokens(output_tokens).with_temperature(0.0);
    CompletionRequest { ignore_eos: Some(true), ..request }
}

fn prompt(rng: CounterRng, [min, max]: [usize; 2]) -> String {
    let count = min + rng.below(0, (max - min + 1) as u64) as usize;
    let word = |index: usize| WORDS[rng.below(1 + index as u64, WORDS.len() as u64) as usize];
    (0..count).map(word).collect::<Vec<_>>().join(" ")
}

async fn measure(client: &Client, request: &CompletionRequest) -> Result<Sample> {
    let started = Instant::now();
    let mut pieces = client.completions_stream(request).await?;
    let mut times = Vec::new();
    let mut usage = None;
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        usage = piece.usage.or(usage);
        if piece.choices.iter().any(|choice| !choice.text.is_empty()) {
            times.push(started.elapsed());
        }
    }
    let usage = usage.unwrap_or_default();
    let whole = started.elapsed();
    Ok(Sample {
        first: times.first().copied().unwrap_or(whole),
        between: times.windows(2).map(|pair| pair[1] - pair[0]).collect(),
        whole,
        prompt_tokens: usage.prompt_tokens,
        output_tokens: usage.completion_tokens,
    })
}

fn report(config: &BenchConfig, samples: Vec<Result<Sample>>, elapsed: Duration) -> ServingReport {
    let (ok, failed): (Vec<_>, Vec<_>) = samples.into_iter().partition(Result::is_ok);
    let ok: Vec<Sample> = ok.into_iter().flatten().collect();
    let milliseconds = |duration: &Duration| duration.as_secs_f64() * 1e3;
    let output_tokens = ok.iter().map(|sample| sample.output_tokens).sum();
    let seconds = elapsed.as_secs_f64();
    ServingReport {
        requests: config.requests,
        ok: ok.len(),
        failed: failed.len(),
        concurrency: config.concurrency,
        seconds,
        prompt_tokens: ok.iter().map(|sample| sample.prompt_tokens).sum(),
        output_tokens,
        tok_s: output_tokens as f64 / seconds.max(1e-9),
        ttft_ms: Percentiles::of(ok.iter().map(|sample| milliseconds(&sample.first)).collect()),
        itl_ms: Percentiles::of(
            ok.iter().flat_map(|sample| sample.between.iter().map(milliseconds)).collect(),
        ),
        e2e_ms: Percentiles::of(ok.iter().map(|sample| milliseconds(&sample.whole)).collect()),
        first_failure: failed.into_iter().find_map(Result::err).map(|error| error.to_string()),
    }
}
