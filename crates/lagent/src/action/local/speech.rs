//! `TextToSpeech` and `SpeechToText`: by flite, espeak-ng and pocketsphinx, or by an `OpenAI`-like service.

use internlm_kit::sandbox::Task;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::form::Form;
use super::local_tool::{Consent, Definition, Made, Means};
use super::program::Program;
use crate::action::ResultItem;
use crate::action::parameter::{Kind, optional, text};

/// Speaks English more clearly than espeak-ng, but nothing else.
const FLITE: Program = Program::named("flite");
/// Maximum length of a text that is spoken, bytes.
const LENGTH: usize = 20_000;
/// Samples per second that the acoustic model was trained on.
const RATE: &str = "16000";

pub(super) const SPEAK: Definition = Definition {
    name: "TextToSpeech",
    group: "audio",
    description: "Reads a text aloud and returns the recording as a WAV file.",
    parameters: &[
        text("text", "The text to read."),
        optional(
            "language",
            Kind::Text,
            "Language of the text as a code such as en, zh, es or de. A speech service recognizes it itself. Default: en.",
        ),
    ],
    means: Means::ServiceOrPrograms(&[Program::named("espeak-ng")]),
    needs: "espeak-ng (flite for a clearer English voice) or a speech service",
    consent: Consent::NotNeeded,
    run: speak,
};

pub(super) const LISTEN: Definition = Definition {
    name: "SpeechToText",
    group: "audio",
    description: "Writes down what is said in a recording. Without a service it understands English only.",
    parameters: &[text("audio", "Path of the recording.")],
    means: Means::ServiceOrPrograms(&[
        Program::of("pocketsphinx_continuous", "pocketsphinx"),
        Program::of("/usr/share/pocketsphinx/model/en-us", "pocketsphinx-en-us"),
        Program::named("sox"),
    ]),
    needs: "pocketsphinx, pocketsphinx-en-us and sox (libsox-fmt-mp3 for MP3), or a transcription service",
    consent: Consent::NotNeeded,
    run: listen,
};

fn speak(call: &Call<'_>) -> Made {
    let text = call.text("text")?;
    let language = call.optional_text("language")?.unwrap_or("en");
    if text.trim().is_empty() || text.len() > LENGTH {
        let found = text.len();
        return Err(Failure::arguments(format!(
            "text: found {found} bytes, expected 1 to {LENGTH} with a word"
        )));
    }
    let bytes = match call.api() {
        Some(api) => {
            let voice = api.service.text("voice").unwrap_or("alloy");
            let model = api.model("tts-1");
            let body = json!({"model": model, "input": text, "voice": voice, "response_format": "wav"});
            api.ask_bytes("audio/speech", body)?
        }
        None => speak_here(call, text, language)?,
    };
    Ok(vec![ResultItem::file("audio", call.save("speech", "wav", &bytes)?)])
}

fn speak_here(call: &Call<'_>, text: &str, language: &str) -> Result<Vec<u8>, Failure> {
    let is_code = language.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if language.is_empty() || !is_code || language.starts_with('-') {
        return Err(Failure::arguments(format!(
            "language: found `{language}`, expected a code such as en or zh"
        )));
    }
    let (program, arguments) = if language.starts_with("en") && call.has(&[FLITE]) {
        ("flite", vec!["-voice", "slt", "-f", "text.txt", "-o", "speech.wav"])
    } else {
        let voice = match language {
            "en" => "en-us",
            "zh" | "zh-cn" | "zh-CN" => "cmn",
            other => other,
        };
        ("espeak-ng", vec!["-b", "1", "-v", voice, "-w", "speech.wav", "-f", "text.txt"])
    };
    call.run_for(program, Task::new(program).args(arguments).file("text.txt", text), "speech.wav")
}

fn listen(call: &Call<'_>) -> Made {
    let audio = call.input("audio")?;
    let Some(api) = call.api() else {
        let convert = Task::new("sox")
            .args([audio.name.as_str(), "-r", RATE, "-c", "1", "-b", "16", "speech.wav"])
            .file(audio.name.as_str(), audio.bytes);
        let speech = call.run_for("sox", convert, "speech.wav")?;
        let task = Task::new("pocketsphinx_continuous")
            .args(["-infile", "speech.wav", "-logfn", "/dev/null"])
            .file("speech.wav", speech);
        let heard = call.run("pocketsphinx", &task)?.stdout;
        let heard: Vec<&str> = heard.split_whitespace().collect();
        return Ok(vec![ResultItem::text(heard.join(" "))]);
    };
    let form = Form::default().field("model", &api.model("whisper-1")).file("file", &audio.name, audio.bytes);
    let answer = api.ask_form("audio/transcriptions", form)?;
    let said = answer.get("text").and_then(Value::as_str);
    let said =
        said.ok_or_else(|| Failure::service(format!("audio/transcriptions: found {answer}, expected text")))?;
    Ok(vec![ResultItem::text(said.trim())])
}
