//! `ReadQRCode` and `WriteQRCode`, by zbar and qrencode.

use internlm_kit::sandbox::Task;

use super::call::Call;
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use super::program::Program;
use crate::action::ResultItem;
use crate::action::parameter::text;

/// What zbarimg ends with when there is no code in the picture.
const NOTHING: &str = "exit code 4";

pub(super) const READ: Definition = Definition {
    name: "ReadQRCode",
    group: "image",
    description: "Reads the QR code or bar code in a picture and returns its text; the first one if there are several.",
    parameters: &[text("image", "Path of the picture.")],
    means: Means::Programs(&[Program::of("zbarimg", "zbar-tools")]),
    needs: "zbar-tools",
    consent: Consent::NotNeeded,
    run: read,
};

pub(super) const WRITE: Definition = Definition {
    name: "WriteQRCode",
    group: "image",
    description: "Writes a text as a QR code and returns the picture.",
    parameters: &[text("text", "The text, at most 2,900 bytes.")],
    means: Means::Programs(&[Program::named("qrencode")]),
    needs: "qrencode",
    consent: Consent::NotNeeded,
    run: write,
};

fn read(call: &Call<'_>) -> Made {
    let image = call.input("image")?;
    // Binary: otherwise zbar guesses another character set than UTF-8.
    let task = Task::new("zbarimg")
        .args(["--raw", "--quiet", "--nodbus", "--oneshot", "-Sbinary", &image.name])
        .file(image.name.as_str(), image.bytes);
    match call.run("zbarimg", &task) {
        Ok(outcome) => Ok(vec![ResultItem::text(outcome.stdout.trim_end_matches('\n'))]),
        Err(Failure { message, .. }) if message.contains(NOTHING) => {
            Ok(vec![ResultItem::text("no code found")])
        }
        Err(failure) => Err(failure),
    }
}

fn write(call: &Call<'_>) -> Made {
    let task = Task::new("qrencode").args(["-o", "code.png", "-s", "8", "-m", "4"]).stdin(call.text("text")?);
    let bytes = call.run_for("qrencode", task, "code.png")?;
    Ok(vec![ResultItem::file("image", call.save("qr-code", "png", &bytes)?)])
}
