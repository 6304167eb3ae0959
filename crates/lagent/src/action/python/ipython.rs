//! `IPythonInterpreter`: code in a notebook that keeps its variables, with images.
//!
//! Follows `lagent/actions/ipython_interpreter.py`. The kernel runs in the sandbox, one for each session; without
//! Jupyter a plain Python process takes its place, which shows no images.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use internlm_kit::file;
use internlm_kit::hash::sha256;
use internlm_kit::sandbox::Level;
use serde_json::Value;

use super::cell::{Cell, CellEnd};
use super::kernels::Kernels;
use super::request::{Request, python, spec};
use super::runtime::Allowance;
use crate::Result;
use crate::action::{
    Action, ActionReturn, ActionState, CallContext, Readiness, ResultItem, ToolSettings, ToolSpec,
};

const NAME: &str = "IPythonInterpreter";

/// Images written so far by this process: part of their names.
static IMAGES: AtomicU64 = AtomicU64::new(0);

/// Lagent's notebook tool; variables last as long as the session.
///
/// A result begins with its texts: what was printed, and after it the value of the last expression, as an item of its
/// own. So the last text is what upstream calls the execute result, and without a value what was printed.
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
            CellEnd::Cancelled => return fail("the code was interrupted: the call was cancelled"),
            CellEnd::Died(reason) => {
                return fail(&format!("the kernel ended ({reason}): earlier variables are gone"));
            }
            CellEnd::Done => {}
        }
        let mut items: Vec<ResultItem> = texts(&cell).map(ResultItem::text).collect();
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

/// The texts of a result: what was printed, unless there is nothing but a value, and the value.
fn texts(cell: &Cell) -> impl Iterator<Item = &str> {
    let text = cell.text.trim_end();
    let value = cell.value.as_deref().map(str::trim_end).filter(|value| !value.is_empty());
    // An image is the value of no text, and an output that was cut may have lost its value.
    let printed = value.and_then(|value| text.strip_suffix(value));
    let printed = printed.filter(|printed| printed.is_empty() || printed.ends_with('\n'));
    let (first, second) = match (printed, value) {
        (Some(""), Some(value)) => (value, None),
        (Some(printed), Some(value)) => (printed.strip_suffix('\n').unwrap_or(printed), Some(value)),
        _ => (text, None),
    };
    std::iter::once(first).chain(second)
}

impl Action for IPythonInterpreter {
    fn spec(&self) -> ToolSpec {
        spec(
            NAME,
            "Runs Python code in a notebook that keeps its variables between calls. The result is what the code prints, the value of its last expression, and its images. There is no network.",
        )
    }

    fn call(&self, arguments: &Value) -> ActionReturn {
        self.call_in(&CallContext::default(), arguments)
    }

    fn call_in(&self, context: &CallContext<'_>, arguments: &Value) -> ActionReturn {
        match Request::read(arguments, context.deadline) {
            Ok(Request { code, timeout }) => {
                let allowance = Allowance { timeout, stop: context.stop };
                self.result(self.kernels.execute(context.session, &code, allowance), arguments)
            }
            Err(message) => ActionReturn::error(NAME, arguments.clone(), ActionState::ArgsError, message),
        }
    }

    fn readiness(&self) -> Readiness {
        self.kernels.readiness()
    }

    fn sandbox_level(&self) -> Option<Level> {
        Some(self.kernels.level())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_text_is_the_value_where_there_is_one() {
        let items = |text: &str, value: Option<&str>| {
            let value = value.map(str::to_owned);
            let cell = Cell { text: text.to_owned(), value, ..Cell::default() };
            texts(&cell).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(items("", None), [""]);
        assert_eq!(items("a\nb\n\n", None), ["a\nb"]);
        assert_eq!(items("7\n", Some("7")), ["7"]);
        assert_eq!(items("a\n7\n7\n", Some("7")), ["a\n7", "7"]);
        assert_eq!(items("x\n   a  b\n0  1  2 \n", Some("   a  b\n0  1  2 ")), ["x", "   a  b\n0  1  2"]);
        assert_eq!(items("\n7\n", Some("7")), ["", "7"]);
        assert_eq!(items("17\n", Some("7")), ["17"], "the output was cut before the value");
        assert_eq!(items("one\n", Some("<Image>")), ["one"], "the value is shown as an image");
    }
}
