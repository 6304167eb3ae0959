//! Sleep, wake and other weights: what an operator asks of the engine, and what came of it.

use std::path::Path;
use std::sync::TryLockError;
use std::sync::mpsc::sync_channel;

use super::EngineHandle;
use crate::engine::command::{Command, Reply, RestError};
use crate::engine::{EngineFault, ExecuteError, SleepLevel, SleepPart};
use crate::{Error, Result};

/// The request contradicts the state of the server.
const CONFLICT: u16 = 409;

impl EngineHandle {
    /// Refuses new requests from now on, waits on this thread until the running ones have ended, and then releases the
    /// weights and the cache. A sleeping engine may be asked again.
    ///
    /// # Errors
    /// [`Error::Refused`]: the executor cannot sleep, a call of [`EngineHandle::wake`] came first, or the engine has
    /// stopped.
    pub fn sleep(&self, level: SleepLevel) -> Result<()> {
        self.ask(|reply| Command::Sleep { level, reply })
    }

    /// Gets back these parts of what was released, on this thread's time. Requests are taken again once everything is
    /// awake; a cache that is woken before the weights comes back together with them.
    ///
    /// # Errors
    /// [`Error::Refused`]: a part could not be woken and stays asleep, or the engine has stopped.
    pub fn wake(&self, parts: &[SleepPart]) -> Result<()> {
        let parts = parts.to_vec();
        self.ask(|reply| Command::Wake { parts, reply })
    }

    /// Loads the weights of another model folder or file of the same shape on this thread, and puts them in place of the
    /// running ones between two steps. What runs is computed again from its ids, and the prefix cache is emptied: no
    /// keys of the old weights are used with the new ones. A sleeping engine wakes with the new weights.
    ///
    /// # Errors
    /// The old weights stay in use. [`Error::Refused`]: the executor cannot load others, somebody else does so, the path
    /// is not there, the models differ in more than their weights, or the engine has stopped. Other errors when the
    /// model cannot be read.
    pub fn update_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let Some(loader) = &self.shared.loader else {
            return Err(refused(&ExecuteError::Unsupported { what: "load other weights" }.into()));
        };
        let _alone = match self.shared.loading.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(error(CONFLICT, "other weights are being loaded")),
        };
        if !path.exists() {
            let message =
                format!("path: found nothing at {}, expected a model folder or file", path.display());
            return Err(Error::Refused { status: 404, message, param: Some("path".to_owned()) });
        }
        let executor = loader.load(path)?;
        self.ask(|reply| Command::Replace { executor, reply })
    }

    /// Waits for the answer of the engine thread.
    fn ask(&self, command: impl FnOnce(Reply) -> Command) -> Result<()> {
        let (reply, answer) = sync_channel(1);
        self.send(command(reply));
        match answer.recv() {
            Ok(done) => done.map_err(|reason| refused(&reason)),
            Err(_) => Err(error(503, EngineFault::EngineGone.to_string())),
        }
    }
}

fn refused(reason: &RestError) -> Error {
    let status = match reason {
        RestError::Woken | RestError::Executor(ExecuteError::Unsupported { .. }) => CONFLICT,
        RestError::Executor(_) => 500,
    };
    error(status, reason.to_string())
}

fn error(status: u16, message: impl Into<String>) -> Error {
    Error::Refused { status, message: message.into(), param: None }
}
