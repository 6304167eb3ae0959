//! [`Recorded`]: launches on a GPU that are recorded once and launched again together.
//!
//! On CUDA they become a graph, which the driver launches as a whole; wgpu encodes the recorded dispatches again, without
//! what surrounds a launch. Either way they read and write the memory of the recording, so whatever changes from one time
//! to the next is in buffers that are written before.

#![allow(unsafe_code, reason = "whoever launches a recording again promises that its memory is still there")]

use std::thread::{self, ThreadId};

use burn::tensor::Device;
use cubecl::client::Graph;
use cubecl::future::block_on;
use cubecl::server::ServerError;

use super::device::{Client, client};

/// Runs before the recording. The last ones find all memory and all compiled kernels in place, since nothing may be
/// allocated while launches are recorded.
const WARM_UP: usize = 3;

/// A recording, and what its launches write.
#[derive(Debug)]
pub struct Recorded<T> {
    graph: Graph,
    /// Whose launches the recording is ordered with.
    thread: ThreadId,
    output: T,
}

impl<T> Recorded<T> {
    /// Runs `work` a few times and then records its launches, which do not run by that. `work` may launch kernels, but
    /// neither write to the GPU nor read from it. `None`, with a warning in the log, where nothing can be recorded.
    pub fn new(device: &Device, mut work: impl FnMut() -> T) -> Option<Self> {
        let recorded = record(device, &mut work);
        if let Err(error) = &recorded {
            tracing::warn!(%error, "launches are not recorded and run one by one");
        }
        let (graph, output) = recorded.ok()?;
        Some(Self { graph, thread: thread::current().id(), output })
    }

    /// Launches everything again and gives what it writes; `None`, with a warning in the log, when the GPU refuses, or on
    /// another thread than that of the recording.
    pub fn launch(&self) -> Option<&T> {
        if self.thread != thread::current().id() {
            tracing::warn!("recorded launches belong to another thread");
            return None;
        }
        // SAFETY: the recording keeps every page of memory that its launches touch from being used for anything else
        // while it lives, and this thread, whose launches and writes are in one order, made it.
        let launched = unsafe { self.graph.replay() };
        if let Err(error) = &launched {
            tracing::warn!(%error, "recorded launches were refused");
        }
        launched.is_ok().then_some(&self.output)
    }
}

fn record<T>(device: &Device, work: &mut impl FnMut() -> T) -> Result<(Graph, T), ServerError> {
    let client = client(device);
    client.graph_prepare()?;
    let open = Open { client: &client, ended: false };
    for _ in 0..WARM_UP {
        let output = work();
        let done = block_on(client.sync());
        drop(output);
        done?;
    }
    client.start_capture()?;
    let output = work();
    Ok((open.stop()?, output))
}

/// A recording that has begun. It ends whatever happens: nothing could be read of the GPU before that.
struct Open<'a> {
    client: &'a Client,
    ended: bool,
}

impl Open<'_> {
    fn stop(mut self) -> Result<Graph, ServerError> {
        self.ended = true;
        self.client.stop_capture()
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // It gives no graph when nothing was recorded.
            drop(self.client.stop_capture());
        }
    }
}
