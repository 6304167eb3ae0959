//! Completions and embeddings.

use async_openai::types::completions::CreateCompletionRequest;
use async_openai::types::embeddings::CreateEmbeddingRequest;
use futures::StreamExt;
use serde_json::{Value, json};

use crate::{Checked, Report, Server, holds, refused, request};

/// Runs the checks of this file.
pub async fn check(server: &Server, report: &mut Report) {
    report.check("completions.create", completions(server)).await;
    report.check("completions echo", echo(server)).await;
    report.check("completions.create_stream", streamed(server)).await;
    report.check("embeddings.create", embeddings(server)).await;
    report.check("embeddings.create_base64", base64(server)).await;
}

fn completion(server: &Server, prompt: Value) -> Result<CreateCompletionRequest, serde_json::Error> {
    request(json!({"model": server.model, "prompt": prompt, "temperature": 0.0, "max_tokens": 8}))
}

async fn completions(server: &Server) -> Checked {
    let request = CreateCompletionRequest { n: Some(2), ..completion(server, json!(["One,", "Two,"]))? };
    let answer = server.client.completions().create(request).await?;
    let places: Vec<u32> = answer.choices.iter().map(|choice| choice.index).collect();
    holds(answer.object == "text_completion" && places == [0, 1, 2, 3], format!("{places:?}"))?;
    let usage = answer.usage.ok_or("no usage")?;
    holds(usage.total_tokens == usage.prompt_tokens + usage.completion_tokens, format!("{usage:?}"))?;
    let wrong = CreateCompletionRequest { top_p: Some(7.0), ..completion(server, json!("One,"))? };
    refused(server.client.completions().create(wrong).await, "top_p: found 7")
}

async fn echo(server: &Server) -> Checked {
    let request = CreateCompletionRequest {
        echo: Some(true),
        logprobs: Some(1),
        max_tokens: Some(0),
        ..completion(server, json!("The answer is"))?
    };
    let answer = server.client.completions().create(request).await?;
    let scores = answer.choices[0].logprobs.as_ref().ok_or("no logprobs")?;
    holds(scores.token_logprobs.first() == Some(&None), format!("{scores:?}"))?;
    let lengths = [scores.tokens.len(), scores.token_logprobs.len(), scores.text_offset.len()];
    holds(lengths.iter().all(|length| *length > 1 && *length == lengths[0]), format!("{lengths:?}"))
}

async fn streamed(server: &Server) -> Checked {
    let whole = server.client.completions().create(completion(server, json!("Once upon"))?).await?;
    let stream = server.client.completions().create_stream(completion(server, json!("Once upon"))?).await?;
    let mut text = String::new();
    for piece in stream.collect::<Vec<_>>().await {
        piece?.choices.iter().for_each(|choice| text.push_str(&choice.text));
    }
    holds(text == whole.choices[0].text, format!("{text:?} and {:?}", whole.choices[0].text))
}

fn texts(server: &Server, more: Value) -> Result<CreateEmbeddingRequest, serde_json::Error> {
    let mut body = json!({"model": server.model, "input": ["a cat", "a dog"]});
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    request(body)
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|value| value * value).sum::<f32>().sqrt()
}

async fn embeddings(server: &Server) -> Checked {
    let answer = server.client.embeddings().create(texts(server, json!({}))?).await?;
    let places: Vec<u32> = answer.data.iter().map(|entry| entry.index).collect();
    holds(answer.object == "list" && places == [0, 1], format!("{places:?}"))?;
    let lengths: Vec<f32> = answer.data.iter().map(|entry| length(&entry.embedding)).collect();
    holds(lengths.iter().all(|length| (length - 1.0).abs() < 1e-3), format!("{lengths:?}"))?;
    holds(answer.data[0].embedding != answer.data[1].embedding, "the same vector twice")?;
    holds(answer.usage.prompt_tokens > 1, answer.usage.prompt_tokens)?;
    let short = server.client.embeddings().create(texts(server, json!({"dimensions": 4}))?).await?;
    let vector = &short.data[0].embedding;
    holds(vector.len() == 4 && (length(vector) - 1.0).abs() < 1e-3, format!("{vector:?}"))
}

async fn base64(server: &Server) -> Checked {
    let floats = server.client.embeddings().create(texts(server, json!({}))?).await?;
    let request = texts(server, json!({"encoding_format": "base64"}))?;
    let answer = server.client.embeddings().create_base64(request).await?;
    for (float, entry) in floats.data.iter().zip(answer.data) {
        let vector: Vec<f32> = entry.embedding.into();
        holds(float.embedding == vector, "other numbers than without base64")?;
    }
    Ok(())
}
