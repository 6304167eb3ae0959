//! [`TlsListener`]: HTTPS connections, whose handshakes do not wait for each other.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use internlm_kit::file;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::ServerConfig;
use crate::{Error, Result};

/// Time in which a client must have shaken hands.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Connections that have shaken hands and that nobody has taken yet.
const READY: usize = 64;

/// Reads certificate chain and private key; none when the settings name none, which is plain HTTP.
///
/// # Errors
/// [`Error::File`] when a file cannot be read, [`Error::Content`] when it does not hold what it should, and
/// [`Error::Tls`] when the two do not belong together.
pub(super) fn load(config: &ServerConfig) -> Result<Option<Arc<rustls::ServerConfig>>> {
    let (Some(certfile), Some(keyfile)) = (&config.ssl_certfile, &config.ssl_keyfile) else {
        return Ok(None);
    };
    let wrong = |path: &Path, message: String| Error::Content { path: path.to_owned(), message };
    let text = file::read_to_string(certfile)?;
    let chain = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|error| wrong(certfile, format!("not a certificate in PEM: {error}")))?;
    if chain.is_empty() {
        return Err(wrong(certfile, "found no certificate, expected a chain in PEM".to_owned()));
    }
    let text = file::read_to_string(keyfile)?;
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes())
        .map_err(|error| wrong(keyfile, format!("not a private key in PEM: {error}")))?;
    let failed = |error: rustls::Error| Error::Tls { message: error.to_string() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(failed)?;
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Arc::new(tls)))
}

/// Connections of clients that have shaken hands.
#[derive(Debug)]
pub(super) struct TlsListener {
    ready: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    /// Accepts connections until this is dropped.
    pub(super) fn start(listener: TcpListener, address: SocketAddr, tls: Arc<rustls::ServerConfig>) -> Self {
        let (sender, ready) = mpsc::channel(READY);
        tokio::spawn(accept(listener, TlsAcceptor::from(tls), sender));
        Self { ready, address }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(connection) => connection,
            // The task below ends with this listener, or with the runtime.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

/// Shakes hands with every client in a task of its own.
async fn accept(
    mut listener: TcpListener,
    acceptor: TlsAcceptor,
    ready: mpsc::Sender<(TlsStream<TcpStream>, SocketAddr)>,
) {
    loop {
        let (connection, peer) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = ready.closed() => return,
        };
        // Tokens are small packets, and each must be sent at once.
        let _ = connection.set_nodelay(true);
        let (acceptor, ready) = (acceptor.clone(), ready.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(connection)).await {
                // Nobody takes it when the server has stopped.
                Ok(Ok(connection)) => drop(ready.send((connection, peer)).await),
                Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
                Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
            }
        });
    }
}
