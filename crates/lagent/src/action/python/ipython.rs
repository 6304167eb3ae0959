//! `IPythonInterpreter`: code in a notebook that keeps its variables, with images.
//!
//! Follows `lagent/actions/ipython_interpreter.py`. The kernel runs in the sandbox, one for each session; without
//! Jupyter a plain Python process takes its place, which shows no images.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use internlm_kit::file;
use internlm_kit::hash::sha256;
use internlm_kit::sandbox::Level;
use serde_json::{Value, json};

use super::cell::{Cell, CellEnd};
use super::code::code_in;
use super::kernels::Kernels;
use super::runtime::PATIENCE;
use crate::Result;
use crate::action::{
    Action, ActionReturn, ActionState, CallContext, Readiness, ResultItem, ToolInput, ToolSettings, ToolSpec,
};

/// Upstream's default, seconds.
const TIMEOUT: f64 = 20.0;
/// The longest time that a call may ask for, seconds.
const LONGEST: f64 = 3600.0;
const NAME: &str = "IPythonInterpreter";

/// Images written so far by this process: part of their names.
static IMAGES: AtomicU64 = AtomicU64::new(0);

/// Lagent's notebook tool; variables last as long as the session.
#[derive(Clone, Debug)]
pub struct IPythonInterpreter {
    kernels: Kernels,
    folder: PathBuf,
}

impl IPythonInterpreter {
    /// Creates the tool. The Python is that of the service's setting `python`, by default `python3`; images go to the
    /// settings' folder.
    ///
    /// # Errors
    /// [`Error::Sandbox`](crate::Error::Sandbox) when the requested level does not work here.
    pub fn new(settings: &ToolSettings) -> Result<Self> {
        let kernels = Kernels::new(&settings.confined()?, python(settings, NAME))?;
        Ok(Self { kernels, folder: settings.folder.clone() })
    }

    /// Returns the tool without Jupyter, even where it is installed.
    #[must_use]
    pub fn without_jupyter(self) -> Self {
        Self { kernels: self.kernels.without_jupyter(), ..self }
    }

    /// The result of a piece of code: its text and its images, or the error with what was printed before.
    fn result(&self, cell: Cell, arguments: &Value) -> ActionReturn {
        let fail = |message: &str| {
            let text = [cell.text.trim_end(), message].into_iter().filter(|text| !text.is_empty());
            let text = text.collect::<Vec<_>>().join("\n");
            ActionReturn::error(NAME, arguments.clone(), ActionState::ApiError, text)
        };
        match &cell.end {
            CellEnd::Raised(traceback) => return fail(traceback),
            CellEnd::Interrupted(timeout) => {
                let seconds = timeout.as_secs_f64();
                return fail(&format!("the code was interrupted: it took more than {seconds} s"));
            }
            CellEnd::Died(reason) => {
                return fail(&format!("the kernel ended ({reason}): earlier variables are gone"));
            }
            CellEnd::Done => {}
        }
        let mut items = vec![ResultItem::text(cell.text.trim_end())];
        for image in &cell.images {
            match self.write(image) {
                Ok(path) => items.push(ResultItem::file("image", path)),
                Err(error) => return fail(&error.to_string()),
            }
        }
        ActionReturn::success(NAME, arguments.clone(), items)
    }

    /// Writes an image under a name that no other image of any process has.
    fn write(&self, image: &[u8]) -> Result<PathBuf> {
        let number = IMAGES.fetch_add(1, Ordering::Relaxed);
        let hash = sha256(image);
        let path = self.folder.join(format!("image-{}-{number}-{}.png", std::process::id(), &hash[..12]));
        file::write(&path, image)?;
        Ok(path)
    }
}

impl Action for IPythonInterpreter {
    fn spec(&self) -> ToolSpec {
        let description = "Runs Python code in a notebook that keeps its variables between calls. The result is what the code prints, the value of its last expression, and its images. There is no network.";
        ToolSpec {
            name: NAME.to_owned(),
            description: description.to_owned(),
            parameters: parameters(),
            input: ToolInput::Json,
        }
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        match Request::read(arguments, context.deadline) {
            Ok(Request { code, timeout }) => {
                self.result(self.kernels.execute(context.session, &code, timeout), arguments)
            }
            Err(message) => ActionReturn::error(NAME, arguments.clone(), ActionState::ArgsError, message),
        }
    }

    fn readiness(&self) -> Readiness {
        self.kernels.missing().map_or(Readiness::Ready, |reason| Readiness::Unavailable { reason })
    }

    fn sandbox_level(&self) -> Option<Level> {
        Some(self.kernels.level())
    }
}

/// The Python that the settings name for a tool.
pub(super) fn python<'a>(settings: &'a ToolSettings, tool: &str) -> &'a str {
    settings.services.get(tool).and_then(|service| service.text("python")).unwrap_or("python3")
}

/// JSON Schema of the arguments `command` and `timeout`.
pub(super) fn parameters() -> Value {
    json!({
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "Python code"},
            "timeout": {"type": "number", "description": "Seconds after which the code is interrupted; default 20"},
        },
        "required": ["command"],
    })
}

/// The arguments of a call.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) code: String,
    pub(super) timeout: Duration,
}

impl Request {
    /// Reads the arguments. `deadline` is when the caller stops waiting: the code ends before.
    pub(super) fn read(arguments: &Value, deadline: Duration) -> Result<Self, String> {
        let Some(command) = arguments.get("command").and_then(Value::as_str) else {
            return Err("command: expected a text".to_owned());
        };
        let seconds = match arguments.get("timeout") {
            None | Some(Value::Null) => TIMEOUT,
            Some(found) => found
                .as_f64()
                .filter(|seconds| (f64::EPSILON..=LONGEST).contains(seconds))
                .ok_or_else(|| {
                    format!(
                        "timeout: found {found}, expected a number of seconds above 0 and up to {LONGEST}"
                    )
                })?,
        };
        // An interrupt takes a moment, and the result should still be waited for.
        let latest = deadline.checked_sub(PATIENCE).filter(|left| !left.is_zero()).unwrap_or(deadline);
        Ok(Self { code: code_in(command), timeout: Duration::from_secs_f64(seconds).min(latest) })
    }
}
