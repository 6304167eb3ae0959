//! A tiny model of random weights in a folder, and lmdeploy's HTTP server on it.

use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;

use internlm_kit::testing::TestRng;
use internlm_model::ModelConfig;
use internlm_model::weights::{names, write_folder};
use lmdeploy::Pipeline;
use lmdeploy::config::{DeployConfig, ServerConfig};
use lmdeploy::engine::{CacheSize, ExecutorConfig};
use lmdeploy::serve::{App, Server};
use lmdeploy::testing::tokenizer;
use serde_json::json;
use tokio::sync::oneshot;

/// Writes an InternLM2 of two layers with a vocabulary that spells in bytes and a context of 512 tokens.
pub(crate) fn tiny_model(folder: &Path) {
    let tokenizer = tokenizer();
    let config = json!({
        "architectures": ["InternLM2ForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 96, "rms_norm_eps": 1e-5,
        "vocab_size": tokenizer.vocab_size(), "max_position_embeddings": 512, "rope_theta": 1e4,
        "bias": false, "tie_word_embeddings": false,
    });
    std::fs::create_dir_all(folder).expect("creates");
    std::fs::write(folder.join("config.json"), config.to_string()).expect("writes");
    let tensors = names::expected(&ModelConfig::from_hf(folder).expect("a config"));
    let mut random = TestRng::new(1);
    write_folder(folder, &tensors, &Default::default(), &mut |name| {
        let (_, shape) = tensors.iter().find(|(other, _)| other == name).expect("a tensor of the list");
        let size: usize = shape.iter().product();
        Ok(match shape[..] {
            [] => Vec::new(),
            // The weights of a norm.
            [_] => (0..size).map(|_| 1.0 + random.float(0.1)).collect(),
            [.., inputs] => random.floats(size, 2.0 / (inputs as f32).sqrt()),
        })
    })
    .expect("writes");
    tokenizer.save(folder).expect("saves");
}

/// A server on a free port of 127.0.0.1. Dropping it closes the port.
pub(crate) struct Served {
    pub(crate) url: String,
    pipeline: Pipeline,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Serves the model in `folder`, with one thread for its sums.
    pub(crate) fn start(folder: &Path, engine: ExecutorConfig) -> Self {
        let engine = engine.with_cache_size(CacheSize::Blocks(400)).with_threads(1);
        let pipeline = Pipeline::load(&DeployConfig::new(folder).with_engine(engine)).expect("loads");
        let app = App::new(pipeline.responder().clone());
        let (stop, stopped) = oneshot::channel();
        let (ready, on_ready) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let config =
                    ServerConfig::default().with_host("127.0.0.1").with_port(0).with_drain_timeout(0.0);
                let server = Server::bind(&config).await.expect("a free port");
                ready.send(server.url()).expect("the test waits");
                let stopped = async {
                    // An error means that the test is over, too.
                    let _ = stopped.await;
                };
                server.run(app, stopped).await.expect("serves");
            });
        });
        let url = on_ready.recv().expect("an address");
        Self { url, pipeline, stop: Some(stop), thread: Some(thread) }
    }

    /// Number of tokens that the engine has computed in all of its steps.
    pub(crate) fn fed(&self) -> f64 {
        let histograms = self.pipeline.responder().engine().gauges().histograms();
        let steps = histograms.into_iter().find(|(name, ..)| *name == "iteration_tokens_total");
        steps.expect("the engine counts the tokens of its steps").2.sum
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails when the server has already ended.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}
