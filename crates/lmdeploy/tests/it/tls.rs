//! HTTPS: a request, a stream, and files that cannot be used.

use std::path::PathBuf;

use lmdeploy::Error;
use lmdeploy::config::ServerConfig;
use lmdeploy::serve::Server;

use crate::configured::Configured;
use crate::fixture::{mock, run};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tls").join(name)
}

#[test]
fn requests_and_streams_are_answered_over_https() {
    run(async {
        let config = ServerConfig::default().with_tls(golden("certificate.pem"), golden("key.pem"));
        let served = Configured::start(mock("the quick fox"), config).await;
        assert!(served.url.starts_with("https://127.0.0.1:"), "{}", served.url);
        let certificate = std::fs::read(golden("certificate.pem")).expect("reads");
        let certificate = reqwest::Certificate::from_pem(&certificate).expect("a certificate");
        let http = reqwest::Client::builder().tls_certs_only([certificate]).build().expect("a client");
        let answer = http.get(format!("{}/health", served.url)).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
        let body = serde_json::json!({"prompt": "hi", "stream": true});
        let request = http.post(format!("{}/v1/completions", served.url)).json(&body);
        let text = request.send().await.expect("an answer").text().await.expect("text");
        assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
        // A client that does not know the certificate and one that does not speak TLS disturb nobody.
        assert!(served.http.get(format!("{}/health", served.url)).send().await.is_err());
        let plain = served.url.replace("https:", "http:");
        assert!(served.http.get(format!("{plain}/health")).send().await.is_err());
        let answer = http.get(format!("{}/health", served.url)).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200);
    });
}

#[test]
fn files_that_cannot_be_used_are_named() {
    run(async {
        let dir = tempfile::tempdir().expect("a folder");
        let text = dir.path().join("text.pem");
        std::fs::write(&text, "not PEM").expect("writes");
        let absent = dir.path().join("absent.pem");
        let (certificate, key) = (golden("certificate.pem"), golden("key.pem"));
        for (certfile, keyfile, named) in [
            (&text, &key, "text.pem: found no certificate"),
            (&certificate, &text, "text.pem: not a private key"),
            (&absent, &key, "absent.pem"),
        ] {
            let config = ServerConfig::default().with_host("127.0.0.1").with_port(0);
            let config = config.with_tls(certfile, keyfile);
            let error = Server::bind(&config).await.expect_err(named);
            assert!(matches!(error, Error::Content { .. } | Error::File(_)), "{error}");
            assert!(error.to_string().contains(named), "{error}");
        }
    });
}
