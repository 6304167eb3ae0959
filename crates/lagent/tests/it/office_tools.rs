//! `PPT`: presentations that office programs open.

use std::fs;
use std::io::Cursor;

use lagent::action::{ActionState, CallContext, Readiness, ToolSettings, Toolbox};
use serde_json::{Value, json};

use crate::local_tools::{measured, prepare};

const NAMES: [&str; 3] = ["PPT", "office_convert", "pdf_to_text"];

fn toolbox(settings: &ToolSettings) -> Toolbox {
    Toolbox::with_tools(&NAMES.map(str::to_owned), settings).expect("some sandbox level works")
}

/// The status of a call that must succeed.
fn status(tools: &Toolbox, method: &str, arguments: &Value) -> String {
    let value = tools.call(&format!("PPT.{method}"), arguments);
    assert_eq!(value.state, ActionState::Success, "{method}: {}", value.for_model());
    let value: Value = serde_json::from_str(&value.for_model()).expect("is JSON");
    value["status"].as_str().expect("has a status").to_owned()
}

fn failure(tools: &Toolbox, method: &str, arguments: &Value) -> String {
    let value = tools.call(&format!("PPT.{method}"), arguments);
    assert_ne!(value.state, ActionState::Success, "{method}: {}", value.for_model());
    value.for_model()
}

fn picture() -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(40, 20, image::Rgb([200, 80, 40]))
        .write_to(&mut bytes, image::ImageFormat::Png)
        .expect("writes");
    bytes.into_inner()
}

#[test]
fn a_presentation_has_the_pages_that_were_added() {
    prepare();
    let folder = tempfile::tempdir().expect("temporary folder");
    let files = folder.path().join("files");
    fs::create_dir(&files).expect("creates");
    fs::write(files.join("map.png"), picture()).expect("writes");
    let settings = ToolSettings::default().with_folder(&files);
    let tools = toolbox(&settings);
    let create = json!({"theme": "Default", "abs_location": files.join("talk.pptx")});
    assert_eq!(status(&tools, "create_file", &create), "created a ppt file.");
    let first = json!({"title": "Harbors & tides", "subtitle": "<em>A talk</em>"});
    assert_eq!(status(&tools, "add_first_page", &first), "added page");
    let text = json!({"title": "潮汐", "bullet_items": "the moon [SPAN] the sun\nand more"});
    assert_eq!(status(&tools, "add_text_page", &text), "added page");
    let page = json!({"title": "Map", "bullet_items": "a map", "image": "map.png"});
    assert_eq!(status(&tools, "add_text_image_page", &page), "added page");
    let location = files.join("talk.pptx");
    let expected = format!("submitted. view ppt at {}", location.display());
    assert_eq!(status(&tools, "submit_file", &json!({})), expected);
    assert!(fs::read(&location).expect("was written").starts_with(b"PK"));
    assert!(failure(&tools, "submit_file", &json!({})).contains("expected create_file first"));

    if let Some((name, reason)) = tools.first_unavailable() {
        println!("skipped: {name}: {reason}");
        return;
    }
    let converted = tools.call("office_convert", &json!({"path": "talk.pptx"}));
    if converted.state != ActionState::Success {
        println!("skipped: {}", converted.for_model());
        return;
    }
    let text = tools.call("pdf_to_text", &json!({"path": converted.result[0].content})).for_model();
    let pages: Vec<&str> = text.split('\u{c}').collect();
    assert_eq!(pages.len(), 3, "{text}");
    measured("PPT", "3 of 3");
    assert!(pages[0].contains("Harbors & tides") && pages[0].contains("<em>A talk</em>"), "{text}");
    assert!(
        pages[1].contains("潮汐") && pages[1].contains("the sun") && pages[2].contains("a map"),
        "{text}"
    );
}

#[test]
fn mistakes_are_named_and_nothing_is_replaced() {
    let folder = tempfile::tempdir().expect("temporary folder");
    fs::write(folder.path().join("old.pptx"), "old").expect("writes");
    fs::write(folder.path().join("note.png"), "not a picture").expect("writes");
    let tools = toolbox(&ToolSettings::default().with_folder(folder.path()));
    let page = json!({"title": "t", "bullet_items": "i"});
    assert!(failure(&tools, "add_text_page", &page).contains("found no presentation in this session"));
    let create = |theme: &str, location: &str| json!({"theme": theme, "abs_location": location});
    for (arguments, part) in [
        (create("Dark", "a.pptx"), "theme: found `Dark`, expected Default"),
        (create("Default", "/etc/a.pptx"), "abs_location: found a place outside of the tools' folder"),
        (create("Default", "old.pptx"), "abs_location: found a file that exists"),
        (create("Default", "a.odp"), "abs_location: found the name"),
        (json!({"theme": 1, "abs_location": "a.pptx"}), "theme: found 1, expected a text"),
    ] {
        let message = failure(&tools, "create_file", &arguments);
        assert!(message.starts_with(part), "{message}");
    }
    status(&tools, "create_file", &create("Default", "new.pptx"));
    assert!(failure(&tools, "submit_file", &json!({})).starts_with("found no pages"));
    let with = |image: &str| json!({"title": "t", "bullet_items": "i", "image": image});
    assert!(failure(&tools, "add_text_image_page", &with("note.png")).starts_with("image: found "));
    assert!(failure(&tools, "add_text_image_page", &with("/etc/passwd")).starts_with("image: found "));
    let context = CallContext { session: "other", ..CallContext::default() };
    let other = tools.call_in(&context, "PPT.add_text_page", &page);
    assert_eq!(other.state, ActionState::ApiError);
    assert_eq!(fs::read(folder.path().join("old.pptx")).expect("is there"), b"old");
}

#[test]
fn the_toolkit_needs_nothing() {
    let tools = lagent::action::build("PPT", &ToolSettings::default()).expect("is a toolkit");
    let names: Vec<String> = tools.iter().map(|tool| tool.spec().name).collect();
    let expected = ["create_file", "add_first_page", "add_text_page", "add_text_image_page", "submit_file"];
    assert_eq!(names, expected.map(|method| format!("PPT.{method}")));
    assert!(tools.iter().all(|tool| tool.readiness() == Readiness::Ready));
}
