//! The table of the physical round trips: what is measured of each tool that works on this machine, and the figure.
//!
//! `cargo test -p lagent --test it tool -- --nocapture | grep '^| '` prints the table with what was found here.

use std::collections::BTreeSet;
use std::fmt::Display;

use lagent::action::entries;

/// Tools of the catalogue and how their work is checked: by another tool, by another program or by a known result.
const ROUND_TRIPS: [(&str, &str); 34] = [
    ("Calculator", "exact arithmetic"),
    ("PythonInterpreter", "answers of the gold programs of MATH"),
    ("IPythonInterpreter", "gold steps of CIBench that run"),
    ("TextToSpeech", "a recording that SpeechToText understands"),
    ("SpeechToText", "word recall of a spoken sentence"),
    ("OCR", "character error of drawn text"),
    ("ImageToCanny", "pixels that differ from OpenCV's"),
    ("ImageToScribble", "white pixels of the strokes"),
    ("ImageResize", "size of the picture that was written"),
    ("ImageCompare", "pixels that differ after a loss of detail"),
    ("describe_image", "main color of a picture of one color"),
    ("FaceDetect", "distance of the face's center from where it was drawn"),
    ("ReadQRCode", "text of a code that WriteQRCode wrote"),
    ("WriteQRCode", "text that ReadQRCode reads"),
    ("draw_diagram", "edges in the drawing"),
    ("plot", "size of the picture"),
    ("render_scene", "color in the middle of a red sphere"),
    ("svg", "size of the picture"),
    ("Translation", "a sentence there and back"),
    ("maxima", "exact algebra"),
    ("qalc", "a conversion of units"),
    ("sympy", "exact algebra"),
    ("pdf_to_text", "words that were drawn into a PDF"),
    ("office_convert", "a document as PDF, read by pdf_to_text"),
    ("pandoc", "Markdown to DOCX and back"),
    ("sqlite_query", "rows that were written"),
    ("csv_query", "rows of a file with quotes and a byte order mark"),
    ("jq", "a sum"),
    ("list_files", "the size of a file that write_file wrote"),
    ("read_file", "lines of a file that write_file wrote"),
    ("write_file", "a file that read_file reads"),
    ("shell", "a file that a command sorted"),
    ("PPT", "pages of the PDF that LibreOffice makes of it"),
    ("BINGMap", "length of a route on a known map"),
];

/// Prints what was measured of a tool.
pub(crate) fn measured(tool: &str, found: impl Display) {
    let row = ROUND_TRIPS.iter().find(|(name, _)| *name == tool);
    let (_, what) = row.unwrap_or_else(|| panic!("{tool} is not in the table"));
    println!("| {tool} | {what} | {found} |");
}

#[test]
fn the_tools_with_a_round_trip_are_tools() {
    let known: BTreeSet<&str> = entries().map(|entry| entry.name).collect();
    let proved: BTreeSet<&str> = ROUND_TRIPS.iter().map(|(name, _)| *name).collect();
    assert!(proved.len() == ROUND_TRIPS.len() && proved.is_subset(&known), "{:?}", proved.difference(&known));
    println!(
        "{} tools of {} have a round trip; without one: {:?}",
        proved.len(),
        known.len(),
        known.difference(&proved)
    );
    assert!(proved.len() >= 20);
}
