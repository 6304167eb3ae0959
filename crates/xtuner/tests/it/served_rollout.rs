//! Answers from a real `lmdeploy` server that is given new weights: those of the generator in this process.

use std::path::Path;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use internlm_kit::config;
use internlm_kit::context::RunContext;
use internlm_model::decoder::Decoder;
use internlm_model::sampling::SamplingConfig;
use internlm_model::{TokenId, Tokenizer, device};
use lmdeploy::Pipeline;
use lmdeploy::config::{DeployConfig, ServerConfig};
use lmdeploy::engine::{CacheSize, ExecutorConfig};
use lmdeploy::serve::{App, Server};
use tokio::sync::oneshot;
use xtuner::rl::{LocalRollout, Rollout, RolloutAnswer, RolloutRequest, ServedRollout};
use xtuner::{FinetuneConfig, Resume, finetune};

use crate::fixture::{model_config, model_folder};
use crate::rl::{GRPO, config_text, prepare};

/// A server on a free port, for as long as a test runs.
struct Serving {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    fn start(model: &Path) -> Self {
        let engine = ExecutorConfig::default().with_max_batch_size(8).with_cache_size(CacheSize::Blocks(400));
        let pipeline =
            Pipeline::load(&DeployConfig::new(model).with_engine(engine)).expect("loads the model");
        let ((stop, stopped), (ready, on_ready)) = (oneshot::channel(), mpsc::channel());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("the system has resources for a runtime");
            runtime.block_on(async {
                let config =
                    ServerConfig::default().with_host("127.0.0.1").with_port(0).with_drain_timeout(0.0);
                let server = Server::bind(&config).await.expect("the system has a free port");
                ready.send(server.url()).expect("the test waits");
                let stopped = async {
                    // An error means that the sender is gone, which is the same request to stop.
                    let _ = stopped.await;
                };
                server.run(App::new(pipeline.responder().clone()), stopped).await.expect("serves");
            });
            drop(runtime);
            pipeline.shutdown(Duration::ZERO);
        });
        Self { url: on_ready.recv().expect("an address"), stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // Fails when the server has already ended.
            let _ = stop.send(());
        }
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn requests() -> Vec<RolloutRequest> {
    let request = |number: u32| RolloutRequest {
        prompt: vec![TokenId(1), TokenId(40 + number), TokenId(41)],
        seed: u64::from(number),
        sampling: SamplingConfig::greedy(),
        max_tokens: 6,
        stop_ids: vec![TokenId(2)],
    };
    (0..5).map(request).collect()
}

fn ids(answers: &[RolloutAnswer]) -> Vec<Vec<TokenId>> {
    answers.iter().map(|answer| answer.ids.clone()).collect()
}

#[test]
fn a_server_generates_with_the_weights_that_it_is_given() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let base = model_folder(folder.path());
    let tokenizer = Tokenizer::load(&base).expect("loads");
    let serving = Serving::start(&base);
    let mut served = ServedRollout::connect(&serving.url, None, 3)
        .expect("an address")
        .with_weights(folder.path().join("weights"), &tokenizer);
    let mut local = LocalRollout::new(4, tokenizer.vocab_size());
    let mut before = Vec::new();
    for seed in [3, 77] {
        let decoder = Decoder::init(&model_config(), seed, &device::parse("cpu").expect("the CPU"));
        served.update(&decoder).expect("takes the weights");
        local.update(&decoder).expect("takes the weights");
        let expected = local.answers(&requests()).expect("generates");
        let found = served.answers(&requests()).expect("generates");
        assert_eq!(ids(&found), ids(&expected));
        for (found, expected) in found.iter().zip(&expected) {
            let (found, expected) = (found.log_probs.as_ref(), expected.log_probs.as_ref());
            let pairs = found.expect("scores").iter().zip(expected.expect("scores"));
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-3, "{a} {b}"));
        }
        assert_ne!(ids(&found), before, "other weights give other answers");
        before = ids(&found);
    }
}

#[test]
fn a_run_asks_the_server_and_leaves_its_answers() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let folder = folder.path();
    let serving = Serving::start(&prepare(folder));
    let objective = format!("{GRPO}rollout = {{ engine = 'served', url = '{}' }}\n", serving.url);
    let text = config_text(folder, "lora", &objective, ("prompts.jsonl", 4));
    let config: FinetuneConfig = config::parse(&text, "test.toml").expect("a valid config");
    let report = finetune(&config, Resume::Auto, &RunContext::default()).expect("trains");
    assert!(report.summary.is_some() && folder.join("run/rounds/000001.json").is_file());
    drop(serving);
    let error = finetune(&config, Resume::None, &RunContext::default()).expect_err("nobody answers");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
}
