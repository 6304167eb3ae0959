//! Documents: `pdf_to_text` (poppler), `office_convert` (LibreOffice) and `pandoc`.

use internlm_kit::sandbox::Task;

use super::call::{Call, Input};
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use super::program::{PYTHON, Program};
use crate::action::ResultItem;
use crate::action::parameter::{Kind, optional, text};

/// Formats that LibreOffice writes.
const OFFICE: [&str; 11] = ["pdf", "docx", "odt", "rtf", "txt", "html", "pptx", "odp", "xlsx", "ods", "csv"];
/// Formats that pandoc reads.
const READ: [&str; 9] = ["markdown", "gfm", "html", "latex", "rst", "org", "docx", "odt", "epub"];
/// Formats that pandoc writes, texts first.
const WRITTEN: [&str; 11] =
    ["plain", "markdown", "gfm", "html", "latex", "rst", "org", "docx", "odt", "pptx", "epub"];
/// Number of the formats that are texts.
const TEXTS: usize = 7;

/// Converts by LibreOfficeKit, the C interface inside LibreOffice (`LibreOfficeKit.h`). Its own command line opens a
/// socket to find other windows, which the sandbox forbids. The numbers are places in the tables of functions.
const CONVERT: &str = r#"
import ctypes, os, sys
source, target = sys.argv[1:]
program = "/usr/lib/libreoffice/program"
library = ctypes.CDLL(program + "/libmergedlo.so")
pointer, text = ctypes.c_void_p, ctypes.c_char_p
start = library.libreofficekit_hook_2
start.restype, start.argtypes = pointer, [text, text]
here = "file://" + os.getcwd() + "/"
def method(thing, place, result, *types):
    table = pointer.from_address(thing).value
    return ctypes.CFUNCTYPE(result, pointer, *types)(pointer.from_address(table + 8 * place).value)
office = start(program.encode(), (here + "profile").encode())
if not office:
    sys.exit("LibreOffice does not start")
error = method(office, 3, text)
document = method(office, 2, pointer, text)(office, (here + source).encode())
if not document:
    sys.exit("cannot read the document: " + (error(office) or b"").decode("utf-8", "replace"))
kind = target.rsplit(".", 1)[1].encode()
if not method(document, 2, ctypes.c_int, text, text, text)(document, (here + target).encode(), kind, None):
    sys.exit("cannot write this kind of document: " + (error(office) or b"").decode("utf-8", "replace"))
os._exit(0)
"#;

pub(super) const PDF: Definition = Definition {
    name: "pdf_to_text",
    group: "documents",
    description: "Returns the text of a PDF document.",
    parameters: &[
        text("path", "Path of the document."),
        optional("first_page", Kind::Integer, "First page, counted from 1. Default: 1."),
        optional("last_page", Kind::Integer, "Last page. Default: the end."),
    ],
    means: Means::Programs(&[Program::of("pdftotext", "poppler-utils")]),
    needs: "poppler-utils",
    consent: Consent::NotNeeded,
    run: pdf_to_text,
};

pub(super) const CONVERT_TOOL: Definition = Definition {
    name: "office_convert",
    group: "documents",
    description: "Converts a document, a table or a presentation of an office program into another format.",
    parameters: &[
        text("path", "Path of the document."),
        optional("format", Kind::Choice(&OFFICE), "Format of the result. Default: pdf."),
    ],
    means: Means::Programs(&[
        Program::of(PYTHON, "python3"),
        Program::of("/usr/lib/libreoffice/program/libmergedlo.so", "libreoffice-core-nogui"),
    ]),
    needs: "libreoffice-writer-nogui, -impress-nogui or -calc-nogui",
    consent: Consent::NotNeeded,
    run: office,
};

pub(super) const PANDOC: Definition = Definition {
    name: "pandoc",
    group: "documents",
    description: "Converts a text or a document from one markup into another.",
    parameters: &[
        text("from", "Format of the input: markdown, gfm, html, latex, rst, org, docx, odt or epub."),
        text(
            "to",
            "Format of the result: plain, markdown, gfm, html, latex, rst, org, docx, odt, pptx or epub.",
        ),
        optional("text", Kind::Text, "The input itself. Either this or path."),
        optional("path", Kind::Text, "Path of the input."),
    ],
    means: Means::Programs(&[Program::named("pandoc")]),
    needs: "pandoc",
    consent: Consent::NotNeeded,
    run: pandoc,
};

fn pdf_to_text(call: &Call<'_>) -> Made {
    let input = call.input("path")?;
    let mut task = Task::new("pdftotext").args(["-layout"]);
    for (name, option) in [("first_page", "-f"), ("last_page", "-l")] {
        if let Some(page) = call.integer(name, 1..=1_000_000)? {
            task = task.args([option, &page.to_string()]);
        }
    }
    let task = task.args([input.name.as_str(), "-"]).file(input.name.as_str(), input.bytes);
    let text = call.run("pdftotext", &task)?.stdout;
    let text = text.trim_end_matches(['\n', '\u{c}']);
    if text.trim().is_empty() {
        return Err(Failure::tool(
            "found no text in the document: its pages may be pictures, which OCR reads",
        ));
    }
    Ok(vec![ResultItem::text(text)])
}

fn office(call: &Call<'_>) -> Made {
    let format = call.choice("format", &OFFICE)?;
    let input = call.input("path")?;
    let output = format!("output.{format}");
    let task = Task::new(PYTHON)
        .args(["-I", "-c", CONVERT, &input.name, &output])
        .file(input.name.as_str(), input.bytes)
        // Without a window system.
        .variable("SAL_USE_VCLPLUGIN", "svp");
    let bytes = call.run_for("LibreOffice", task, &output)?;
    Ok(vec![ResultItem::file("file", call.save("document", format, &bytes)?)])
}

fn pandoc(call: &Call<'_>) -> Made {
    let from = call.choice("from", &READ)?;
    let to = call.choice("to", &WRITTEN)?;
    let input = match (call.optional_text("text")?, call.optional_text("path")?) {
        (Some(text), None) => Input { name: "input.txt".to_owned(), bytes: text.into() },
        (None, Some(_)) => call.input("path")?,
        _ => return Err(Failure::arguments("text, path: expected exactly one of the two")),
    };
    let task = Task::new("pandoc")
        .args(["-f", from, "-t", to, input.name.as_str()])
        .file(input.name.as_str(), input.bytes);
    if WRITTEN[..TEXTS].contains(&to) {
        return Ok(vec![ResultItem::text(call.run("pandoc", &task)?.stdout.trim_end())]);
    }
    let output = format!("output.{to}");
    let bytes = call.run_for("pandoc", task.args(["-o", &output]), &output)?;
    Ok(vec![ResultItem::file("file", call.save("document", to, &bytes)?)])
}
