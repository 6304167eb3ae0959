//! Pictures from a prompt: `TextToImage`, `ImageStylization`, `CannyTextToImage` and `ScribbleTextToImage`. They need
//! an image model behind an `OpenAI`-like endpoint; nothing on this machine imitates one.

use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::form::Form;
use super::local_tool::{Consent, Definition, Made, Means};
use super::service::decoded;
use crate::action::ResultItem;
use crate::action::parameter::{Kind, Parameter, optional, text};

/// The model of a service that does not set `extra.model`.
const MODEL: &str = "gpt-image-1";
/// What the tools need, for lists.
const NEEDS: &str = "an image model";

pub(super) const TEXT: Definition = Definition {
    name: "TextToImage",
    group: "image",
    description: "Makes a picture from a description, by an image model.",
    parameters: &[
        text("keywords", "What the picture should show."),
        optional("size", Kind::Text, "Width and height such as 1024x1024. Default: as the model likes."),
    ],
    means: Means::Service,
    needs: "an image model; draw_diagram, plot, render_scene and svg draw without one",
    consent: Consent::NotNeeded,
    run: generate,
};

/// A picture and what should change in it.
const INSTRUCTION: &[Parameter] =
    &[text("image", "Path of the picture."), text("instruction", "What should change.")];
/// Lines and what the picture along them should show.
const KEYWORDS: &[Parameter] = &[
    text("image", "Path of the picture with the lines."),
    text("keywords", "What the picture should show."),
];

pub(super) const STYLE: Definition =
    edit("ImageStylization", "Changes a picture as an instruction says, by an image model.", INSTRUCTION);

pub(super) const CANNY: Definition = edit(
    "CannyTextToImage",
    "Makes a picture from a description along the edges that ImageToCanny found, by an image model.",
    KEYWORDS,
);

pub(super) const SCRIBBLE: Definition = edit(
    "ScribbleTextToImage",
    "Makes a picture from a description along a scribble, by an image model.",
    KEYWORDS,
);

/// A tool that sends a picture and a prompt.
const fn edit(name: &'static str, description: &'static str, parameters: &'static [Parameter]) -> Definition {
    Definition {
        name,
        group: "image",
        description,
        parameters,
        means: Means::Service,
        needs: NEEDS,
        consent: Consent::NotNeeded,
        run: change,
    }
}

fn generate(call: &Call<'_>) -> Made {
    let api = call.required_api()?;
    let mut body = json!({"model": api.model(MODEL), "prompt": call.text("keywords")?, "n": 1});
    if let Some(size) = call.optional_text("size")? {
        body["size"] = size.into();
    }
    finish(call, &api.ask("images/generations", body)?)
}

fn change(call: &Call<'_>) -> Made {
    let api = call.required_api()?;
    let prompt = match call.optional_text("instruction")? {
        Some(instruction) => instruction.to_owned(),
        None => format!("Follow the white lines of this picture. Show: {}", call.text("keywords")?),
    };
    let image = call.input("image")?;
    let form = Form::default().field("model", &api.model(MODEL)).field("prompt", &prompt).file(
        "image",
        &image.name,
        image.bytes,
    );
    finish(call, &api.ask_form("images/edits", form)?)
}

/// Keeps the first picture of an answer: its bytes, or its address if the service sends no bytes.
fn finish(call: &Call<'_>, answer: &Value) -> Made {
    let field = |name: &str| answer.pointer(&format!("/data/0/{name}")).and_then(Value::as_str);
    if let Some(text) = field("b64_json") {
        return Ok(vec![ResultItem::file("image", call.save("image", "png", &decoded(text)?)?)]);
    }
    match field("url") {
        Some(url) => Ok(vec![ResultItem::file("image", url)]),
        None => {
            Err(Failure::service("found no picture in the answer, expected data[0].b64_json or data[0].url"))
        }
    }
}
