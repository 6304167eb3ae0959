//! `OCR`: the text in a picture, by tesseract or a vision model.

use std::path::Path;

use internlm_kit::sandbox::Task;

use super::call::Call;
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Made, Means};
use super::program::Program;
use super::vision;
use crate::action::ResultItem;
use crate::action::parameter::{Kind, optional, text};

/// The programs of the local form; languages are data of their own.
pub(super) const PROGRAMS: &[Program] = &[
    Program::of("tesseract", "tesseract-ocr"),
    Program::of("/usr/share/tesseract-ocr/5/tessdata/eng.traineddata", "tesseract-ocr-eng"),
];
/// Where the data of the languages is.
const DATA: &str = "/usr/share/tesseract-ocr/5/tessdata";
/// The languages of a call that names no other, if they are installed.
const LANGUAGES: [&str; 2] = ["eng", "chi_sim"];
/// The question to a vision model.
const QUESTION: &str = "Copy all text in this picture, line by line, and write nothing else. Write an empty line if it has no text.";

pub(super) const OCR: Definition = Definition {
    name: "OCR",
    group: "image",
    description: "Recognizes the text in a picture.",
    parameters: &[
        text("image", "Path of the picture."),
        optional(
            "language",
            Kind::Text,
            "Languages as tesseract names them, such as eng or chi_sim+eng. Default: English and simplified Chinese.",
        ),
        optional(
            "format",
            Kind::Choice(&["text", "boxes"]),
            "Plain text, or each word with its place as left, top, width, height. Default: text.",
        ),
    ],
    means: Means::ServiceOrPrograms(PROGRAMS),
    needs: "tesseract-ocr, tesseract-ocr-eng (tesseract-ocr-chi-sim for Chinese) or a vision model",
    consent: Consent::NotNeeded,
    run,
};

fn run(call: &Call<'_>) -> Made {
    let format = call.choice("format", &["text", "boxes"])?;
    if call.api().is_some() {
        if format == "boxes" {
            return Err(Failure::arguments(
                "format: found `boxes`, expected `text`: the service has no places",
            ));
        }
        let languages =
            call.optional_text("language")?.map(|language| format!(" Its languages are {language}."));
        let question = format!("{QUESTION}{}", languages.unwrap_or_default());
        return Ok(vec![ResultItem::text(vision::ask(call, "image", &question)?)]);
    }
    let found = if format == "boxes" { boxes(&recognized(call, &["tsv"])?) } else { read_text(call)? };
    Ok(vec![ResultItem::text(found)])
}

/// The text of the picture `image`.
pub(super) fn read_text(call: &Call<'_>) -> Result<String, Failure> {
    Ok(tidy(&recognized(call, &[])?))
}

/// What tesseract prints.
fn recognized(call: &Call<'_>, arguments: &[&str]) -> Result<String, Failure> {
    let languages = languages(call)?;
    let image = call.input("image")?;
    let task = Task::new("tesseract")
        .args([image.name.as_str(), "-", "-l", &languages])
        .args(arguments.iter().copied())
        // Its threads wait for each other longer than they work.
        .variable("OMP_THREAD_LIMIT", "1")
        .file(image.name.as_str(), image.bytes);
    Ok(call.run("tesseract", &task)?.stdout)
}

/// The languages of the call; those without data are refused by name.
fn languages(call: &Call<'_>) -> Result<String, Failure> {
    let installed = |language: &str| Path::new(DATA).join(format!("{language}.traineddata")).exists();
    let Some(given) = call.optional_text("language")? else {
        return Ok(LANGUAGES
            .into_iter()
            .filter(|language| installed(language))
            .collect::<Vec<_>>()
            .join("+"));
    };
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|part| part.is_ascii_alphanumeric() || part == '_');
    for part in given.split('+') {
        if !is_name(part) {
            return Err(Failure::arguments(format!(
                "language: found `{given}`, expected names such as chi_sim+eng"
            )));
        }
        if !installed(part) {
            let package = part.replace('_', "-");
            return Err(Failure::tool(format!("unavailable: needs tesseract-ocr-{package} for `{part}`")));
        }
    }
    Ok(given.to_owned())
}

/// Text without the spaces that tesseract writes between Chinese characters, and without empty lines at the end.
fn tidy(text: &str) -> String {
    let characters: Vec<char> = text.trim_end().chars().collect();
    let is_wide = |index: Option<usize>| {
        index
            .and_then(|index| characters.get(index))
            .is_some_and(|character| ('\u{2e80}'..='\u{ffef}').contains(character))
    };
    let kept = characters.iter().enumerate().filter(|(index, character)| {
        **character != ' ' || !(is_wide(index.checked_sub(1)) && is_wide(Some(index + 1)))
    });
    kept.map(|(_, character)| *character).collect()
}

/// The words of tesseract's table, one a line: `left top width height word`.
fn boxes(table: &str) -> String {
    let words = table.lines().skip(1).filter_map(|line| {
        let columns: Vec<&str> = line.split('\t').collect();
        let word = columns.get(11).copied().filter(|word| !word.trim().is_empty())?;
        Some(format!("{} {word}", columns[6..10].join(" ")))
    });
    words.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spaces_between_chinese_characters_go() {
        assert_eq!(tidy("今天 天 气 very good 好 a\n\n"), "今天天气 very good 好 a");
    }

    #[test]
    fn words_have_places() {
        let table = "level\tpage\tb\tp\tl\tw\tleft\ttop\twidth\theight\tconf\ttext\n\
                     4\t1\t1\t1\t1\t0\t20\t43\t806\t35\t-1\t\n5\t1\t1\t1\t1\t1\t20\t43\t65\t28\t96.5\tThe\n";
        assert_eq!(boxes(table), "20 43 65 28 The");
    }
}
