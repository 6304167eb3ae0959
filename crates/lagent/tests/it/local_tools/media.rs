//! Round trips of speech, pictures and drawings.

use std::collections::BTreeSet;

use image::GenericImageView;
use serde_json::json;

use super::{Bench, has, measured};

/// Fonts of Debian packages that draw the texts below.
pub(super) const LATIN: (&str, &str) =
    ("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf", "fonts-dejavu-core");
pub(super) const CHINESE: (&str, &str) =
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", "fonts-wqy-microhei");

/// A picture of lines of text.
fn page(font: &str, lines: &[&str]) -> String {
    let texts = lines.iter().enumerate().map(|(index, line)| {
        let y = 60 + 60 * index;
        format!("<text x='30' y='{y}' font-family='{font}' font-size='36'>{line}</text>")
    });
    let (height, texts) = (60 * lines.len() + 60, texts.collect::<String>());
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='1100' height='{height}'>\
         <rect width='100%' height='100%' fill='white'/>{texts}</svg>"
    )
}

/// Levenshtein's distance of two texts without white space, as a share of the first.
fn character_error(expected: &str, found: &str) -> f64 {
    let characters =
        |text: &str| text.chars().filter(|character| !character.is_whitespace()).collect::<Vec<_>>();
    let (expected, found) = (characters(expected), characters(found));
    let mut row: Vec<usize> = (0..=found.len()).collect();
    for (index, left) in expected.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, right) in found.iter().enumerate() {
            let changed = diagonal + usize::from(left != right);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[found.len()] as f64 / expected.len() as f64
}

fn size(path: &str) -> (u32, u32) {
    image::open(path).expect("a picture").dimensions()
}

#[test]
fn what_is_spoken_is_heard() {
    let bench = Bench::new();
    let sentence = "i would like to go to the house and see the water";
    let Some(speech) = bench.text("TextToSpeech", json!({"text": sentence})) else { return };
    assert!(std::fs::read(&speech).expect("is there").starts_with(b"RIFF"));
    let Some(heard) = bench.text("SpeechToText", json!({"audio": speech})) else { return };
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<BTreeSet<_>>();
    let (said, heard) = (words(sentence), words(&heard));
    let recall = said.intersection(&heard).count() as f64 / said.len() as f64;
    // Where flite is missing, espeak-ng speaks, which pocketsphinx understands badly.
    let expected = if has("/usr/bin/flite", "flite") { 0.6 } else { 0.0 };
    assert!(recall >= expected, "{heard:?}");
    measured("TextToSpeech", "understood");
    measured("SpeechToText", format!("{:.0} %", recall * 100.0));
}

#[test]
fn chinese_is_spoken() {
    let bench = Bench::new();
    let Some(speech) = bench.text("TextToSpeech", json!({"text": "今天天气很好", "language": "zh"}))
    else {
        return;
    };
    assert!(std::fs::metadata(speech).expect("is there").len() > 20_000);
    let message = bench.failure("TextToSpeech", json!({"text": "x", "language": "-w"}));
    assert!(message.is_some_and(|message| message.starts_with("language: found `-w`")));
}

#[test]
fn drawn_text_is_read() {
    let english = [
        "The quick brown fox jumps over the lazy dog",
        "Pack my box with five dozen liquor jugs",
        "1234567890",
    ];
    let chinese = ["今天天气很好我们去公园散步", "中文文字识别测试"];
    let cases = [
        (LATIN, "DejaVu Sans", "eng", &english[..]),
        (CHINESE, "WenQuanYi Micro Hei", "chi_sim", &chinese[..]),
    ];
    for ((path, package), font, language, lines) in cases {
        let bench = Bench::new();
        if !has(path, package) {
            continue;
        }
        let Some(picture) = bench.text("svg", json!({"source": page(font, lines)})) else { return };
        let Some(found) = bench.text("OCR", json!({"image": picture, "language": language})) else {
            continue;
        };
        let error = character_error(&lines.concat(), &found);
        assert!(error < 0.02, "{language}: {error} in {found}");
        measured("OCR", format!("{:.2} % ({language})", error * 100.0));
        let boxes = bench.text("OCR", json!({"image": picture, "language": language, "format": "boxes"}));
        let boxes = boxes.expect("works like the text");
        let first: Vec<u32> = boxes.split(' ').take(4).filter_map(|number| number.parse().ok()).collect();
        assert!(first.len() == 4 && first[0].abs_diff(30) < 10, "{boxes}");
    }
}

#[test]
fn a_code_is_written_and_read() {
    let bench = Bench::new();
    let text = "https://example.org/?q=你好 & more";
    let Some(picture) = bench.text("WriteQRCode", json!({"text": text})) else { return };
    assert_eq!(bench.text("ReadQRCode", json!({"image": picture})).as_deref(), Some(text));
    measured("ReadQRCode", "equal");
    measured("WriteQRCode", "equal");
    image::RgbImage::new(40, 40).save(bench.folder.path().join("black.png")).expect("writes");
    assert_eq!(bench.text("ReadQRCode", json!({"image": "black.png"})).as_deref(), Some("no code found"));
}

#[test]
fn edges_are_those_of_opencv() {
    let bench = Bench::new();
    bench.write("picture.png", include_bytes!("../../golden/canny/picture.png"));
    let expected =
        image::load_from_memory(include_bytes!("../../golden/canny/edges.png")).expect("a picture");
    let found = bench.text("ImageToCanny", json!({"image": "picture.png"})).expect("needs no program");
    assert_eq!(image::open(found).expect("a picture").to_luma8(), expected.to_luma8());
    let pixels = expected.width() * expected.height();
    measured("ImageToCanny", format!("0 of {pixels}"));
    let scribble = bench.text("ImageToScribble", json!({"image": "picture.png"})).expect("needs no program");
    let white = |path: &str| {
        image::open(path).expect("a picture").to_luma8().pixels().filter(|pixel| pixel.0[0] == 255).count()
    };
    assert!((500..12_000).contains(&white(&scribble)), "{}", white(&scribble));
    measured("ImageToScribble", white(&scribble));
}

#[test]
fn pictures_are_resized_and_compared() {
    let bench = Bench::new();
    bench.write("a.png", include_bytes!("../../golden/canny/picture.png"));
    let half = bench.text("ImageResize", json!({"image": "a.png", "width": 64})).expect("needs no program");
    assert_eq!(size(&half), (64, 48));
    let wide =
        bench.text("ImageResize", json!({"image": half, "width": 128, "height": 96})).expect("likewise");
    assert_eq!(size(&wide), (128, 96));
    let summary = bench.text("ImageCompare", json!({"image": "a.png", "other": wide})).expect("likewise");
    assert!(summary.contains("of 12288 pixels differ") && summary.contains(" dB."), "{summary}");
    measured("ImageResize", "64 x 48 of 128 x 96");
    measured("ImageCompare", summary.lines().next().unwrap_or_default());
    let summary = bench.text("ImageCompare", json!({"image": "a.png", "other": "a.png"})).expect("likewise");
    assert_eq!(summary, "The pictures are equal.");
    let message = bench.failure("ImageCompare", json!({"image": "a.png", "other": half})).expect("likewise");
    assert_eq!(message, "other: found 64 x 48 pixels, expected 128 x 96 as `image` has");
}

#[test]
fn a_picture_is_measured_and_not_captioned() {
    let bench = Bench::new();
    image::RgbImage::from_pixel(64, 32, image::Rgb([255, 0, 0]))
        .save(bench.folder.path().join("red.png"))
        .expect("writes");
    let text = bench.text("describe_image", json!({"image": "red.png"})).expect("needs no program");
    assert!(text.starts_with("Measured, not recognized: 64 x 32 pixels, Png, Rgb8."), "{text}");
    assert!(
        text.contains("Main colors: #ff0000 100.0 %.")
            && text.contains("\nText: ")
            && text.contains("\nFaces: ")
    );
    measured("describe_image", "#ff0000 100.0 %");
    if let Some(found) = bench.text("FaceDetect", json!({"image": "red.png"})) {
        assert_eq!(found, "no face found");
        bench.write("face.png", include_bytes!("../../golden/face/face.png"));
        let found = bench.text("FaceDetect", json!({"image": "face.png"})).expect("works as before");
        let boxes: Vec<u32> = found.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        let [left, top, width, height] = boxes[..] else { panic!("{found}") };
        // The head is an ellipse around (120, 125) with the half axes 68 and 86.
        let (x, y) = (left + width / 2, top + height / 2);
        assert!(x.abs_diff(120) < 15 && y.abs_diff(125) < 25 && (100..220).contains(&width), "{found}");
        measured("FaceDetect", format!("{} and {} pixels", x.abs_diff(120), y.abs_diff(125)));
    }
}

#[test]
fn drawings_have_their_size_and_content() {
    let bench = Bench::new();
    if let Some(plot) = bench.text("plot", json!({"commands": "plot sin(x)", "width": 640, "height": 480})) {
        assert_eq!(size(&plot), (640, 480));
        measured("plot", "640 x 480");
    }
    if let Some(message) = bench.failure("plot", json!({"commands": "plot nothing(x)"})) {
        assert!(message.contains("undefined function"), "{message}");
    }
    if let Some(diagram) =
        bench.text("draw_diagram", json!({"source": "digraph { a -> b }", "format": "svg"}))
    {
        let svg = std::fs::read_to_string(diagram).expect("is there");
        assert!(svg.contains("<title>a&#45;&gt;b</title>"), "{svg}");
        measured("draw_diagram", "1 of 1");
        let message = bench.failure("draw_diagram", json!({"source": "digraph {"})).expect("runs");
        assert!(message.contains("syntax error"), "{message}");
    }
    let scene = "camera { location <0, 0, -4> look_at 0 } light_source { <2, 4, -3> color rgb 1 } \
                 sphere { 0, 1 pigment { color rgb <1, 0, 0> } }";
    if let Some(picture) = bench.text("render_scene", json!({"scene": scene, "width": 80, "height": 60})) {
        let pixels = image::open(picture).expect("a picture").to_rgb8();
        let [red, green, blue] = pixels.get_pixel(40, 30).0;
        assert!(
            pixels.dimensions() == (80, 60) && red > 60 && green < 20 && blue < 20,
            "{red} {green} {blue}"
        );
        measured("render_scene", format!("{red} {green} {blue}"));
    }
    let source = "<svg xmlns='http://www.w3.org/2000/svg' width='20' height='10'><rect width='20' height='10' fill='#00f'/></svg>";
    if let Some(picture) = bench.text("svg", json!({"source": source, "width": 40})) {
        assert_eq!(size(&picture), (40, 20));
        measured("svg", "40 x 20");
        let message = bench.failure("svg", json!({"source": "<svg"})).expect("runs");
        assert!(message.starts_with("librsvg ended with exit code 1"), "{message}");
    }
}
