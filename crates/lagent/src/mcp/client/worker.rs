//! [`Worker`]: the thread of a server, whose runtime carries out what blocking callers ask for.

use std::pin::Pin;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::session::Session;
use crate::mcp::McpError;

type Doing = Pin<Box<dyn Future<Output = ()> + Send>>;
type Job = Box<dyn FnOnce(Arc<Session>) -> Doing + Send>;

/// The thread of one server. When this is dropped, the thread closes the connection and ends.
pub(super) struct Worker {
    name: String,
    /// Absent once the server is closed.
    jobs: Mutex<Option<UnboundedSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    pub(super) fn start(session: Session) -> Result<Self, McpError> {
        let name = session.shared.name.clone();
        let failed = |error: std::io::Error| McpError::Start {
            name: name.clone(),
            message: error.to_string(),
            stderr: String::new(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (sender, receiver) = unbounded_channel();
        let builder = std::thread::Builder::new().name(format!("mcp-{name}"));
        let thread = builder.spawn(move || work(&runtime, Arc::new(session), receiver)).map_err(failed)?;
        Ok(Self { name, jobs: Mutex::new(Some(sender)), thread: Mutex::new(Some(thread)) })
    }

    /// Carries out some work on the thread and waits for it. The work limits its own time.
    pub(super) fn run<T, F, W>(&self, work: F) -> Result<T, McpError>
    where
        T: Send + 'static,
        F: FnOnce(Arc<Session>) -> W + Send + 'static,
        W: Future<Output = Result<T, McpError>> + Send + 'static,
    {
        let ended = || McpError::Ended {
            name: self.name.clone(),
            message: "the client is closed".to_owned(),
            stderr: String::new(),
        };
        let (sender, receiver) = sync_channel(1);
        let job: Job = Box::new(move |session: Arc<Session>| -> Doing {
            Box::pin(async move {
                // Nobody waits any more if the caller's thread has ended.
                let _ = sender.send(work(session).await);
            })
        });
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        jobs.ok_or_else(ended)?.send(job).map_err(|_| ended())?;
        receiver.recv().unwrap_or_else(|_| Err(ended()))
    }

    /// Closes the connection and waits for the end of the thread. Work in progress fails.
    pub(super) fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // A thread that has panicked has ended as well.
            let _ = thread.join();
        }
    }
}

fn work(runtime: &Runtime, session: Arc<Session>, mut jobs: UnboundedReceiver<Job>) {
    runtime.block_on(async move {
        while let Some(job) = jobs.recv().await {
            tokio::spawn(job(Arc::clone(&session)));
        }
        session.close().await;
    });
}
