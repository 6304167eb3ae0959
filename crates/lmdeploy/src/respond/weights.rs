//! [`Responder::update_weights`]: a request for other weights -> the engine computes with them.

use std::path::Path;

use internlm_kit::exit::BadInput;
use internlm_model::Tokenizer;

use super::Responder;
use crate::protocol::{UpdateWeightsRequest, WeightsUpdated};
use crate::{Error, Result};

/// The field that names the files.
const PATH: &str = "path";
/// What makes a folder one with a vocabulary.
const VOCABULARIES: [&str; 2] = ["tokenizer.json", "tokenizer.model"];
/// A text that vocabularies cut into different ids.
const PROBE: &str = "The weights of 12,345 neurons\n\tfn main() { x[0] += 1; } — Größe, память, 模型 и 🙂";

impl Responder {
    /// Loads the weights of a folder or file, and puts them in place of the running ones; waits on this thread.
    ///
    /// # Errors
    /// [`Error::Refused`] when the request is wrong or the model is another one, and whatever loading reports. The old
    /// weights stay in use.
    pub fn update_weights(&self, request: &UpdateWeightsRequest) -> Result<WeightsUpdated> {
        let path = Path::new(checked_path(request)?);
        // A model without a vocabulary of its own goes with the one that is served.
        if path.is_file() || VOCABULARIES.iter().any(|name| path.join(name).is_file()) {
            self.check_vocabulary(path)?;
        }
        self.engine.update_weights(path).map_err(blame)?;
        Ok(WeightsUpdated {
            success: true,
            message: format!("the weights of {} are in place", path.display()),
        })
    }

    /// Checks that the ids of the model at `path` mean what the ids of the served one mean.
    fn check_vocabulary(&self, path: &Path) -> Result<()> {
        let other = Tokenizer::load(path).map_err(|error| blame(error.into()))?;
        if other.encode(PROBE) == self.model.tokenizer.encode(PROBE) {
            return Ok(());
        }
        let message = "found a model with another vocabulary, expected that of the running one";
        Err(Error::field(PATH, message))
    }
}

/// The one path of a request.
fn checked_path(request: &UpdateWeightsRequest) -> Result<&str> {
    if request.serialized_named_tensors.is_some() {
        let message = "serialized_named_tensors: this server reads weights from files, which `path` names";
        let param = Some("serialized_named_tensors".to_owned());
        return Err(Error::Refused { status: 501, message: message.to_owned(), param });
    }
    match (&request.path, &request.model_path) {
        (Some(path), None) | (None, Some(path)) if !path.is_empty() => Ok(path),
        (Some(_), Some(_)) => {
            Err(Error::field("model_path", "found together with `path`, expected only one"))
        }
        _ => Err(Error::field(PATH, "found nothing, expected a model folder or a GGUF file")),
    }
}

/// Files that cannot be used are the fault of the request that names them.
fn blame(error: Error) -> Error {
    match error {
        Error::Refused { .. } => error,
        error if error.is_bad_input() => Error::field(PATH, error.to_string()),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(path: Option<&str>, model_path: Option<&str>) -> UpdateWeightsRequest {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        UpdateWeightsRequest { path: owned(path), model_path: owned(model_path), ..Default::default() }
    }

    fn refused(request: &UpdateWeightsRequest) -> (u16, Option<String>) {
        match checked_path(request).expect_err("refused") {
            Error::Refused { status, param, .. } => (status, param),
            other => panic!("unexpected {other:?}"),
        }
    }

    #[test]
    fn one_path_is_enough_and_two_are_too_many() {
        assert_eq!(checked_path(&request(Some("a"), None)).expect("a path"), "a");
        assert_eq!(checked_path(&request(None, Some("b"))).expect("a path"), "b");
        for (wrong, param) in [
            (request(Some("a"), Some("b")), "model_path"),
            (request(None, None), "path"),
            (request(Some(""), None), "path"),
        ] {
            assert_eq!(refused(&wrong), (400, Some(param.to_owned())));
        }
        let tensors = UpdateWeightsRequest {
            serialized_named_tensors: Some(serde_json::json!("gASV")),
            ..request(Some("a"), None)
        };
        assert_eq!(refused(&tensors), (501, Some("serialized_named_tensors".to_owned())));
    }

    #[test]
    fn files_are_blamed_and_failures_are_not() {
        let wrong = Error::Content { path: "m".into(), message: "not a model".to_owned() };
        let blamed = blame(wrong);
        assert_eq!(blamed.to_string(), "path: m: not a model");
        assert!(matches!(blamed, Error::Refused { status: 400, .. }));
        let conflict = Error::Refused { status: 409, message: "busy".to_owned(), param: None };
        assert!(matches!(blame(conflict), Error::Refused { status: 409, .. }));
    }
}
