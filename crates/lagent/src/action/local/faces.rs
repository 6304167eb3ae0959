//! `FaceDetect`: faces from the front, by OpenCV's cascade of P. Viola and M. Jones.

use internlm_kit::sandbox::Task;

use super::call::Call;
use super::failure::Failure;
use super::local_tool::{Consent, Definition, Means};
use super::program::{PYTHON, Program};
use crate::action::ResultItem;
use crate::action::parameter::text;

/// The programs and data that find faces.
pub(super) const PROGRAMS: &[Program] = &[
    Program::of(PYTHON, "python3"),
    Program::of("/usr/lib/python3/dist-packages/cv2", "python3-opencv"),
    Program::of("/usr/share/opencv4/haarcascades/haarcascade_frontalface_default.xml", "opencv-data"),
];
/// Prints one line `left top width height` for each face.
const SCRIPT: &str = r#"
import sys, cv2
image = cv2.imread(sys.argv[1], cv2.IMREAD_GRAYSCALE)
if image is None:
    sys.exit("image: found a file of another kind, expected a picture")
folder = "/usr/share/opencv4/haarcascades/"
cascade = cv2.CascadeClassifier(folder + "haarcascade_frontalface_default.xml")
for box in sorted(map(tuple, cascade.detectMultiScale(image, 1.1, 5))):
    print(*box)
"#;

pub(super) const FACES: Definition = Definition {
    name: "FaceDetect",
    group: "image",
    description: "Finds faces seen from the front and returns one line per face: left, top, width, height in pixels.",
    parameters: &[text("image", "Path of the picture.")],
    means: Means::Programs(PROGRAMS),
    needs: "python3-opencv, opencv-data",
    consent: Consent::NotNeeded,
    run: |call| {
        let found = find(call)?;
        Ok(vec![ResultItem::text(if found.is_empty() { "no face found".to_owned() } else { found })])
    },
};

/// One line per face; empty without a face.
pub(super) fn find(call: &Call<'_>) -> Result<String, Failure> {
    let image = call.input("image")?;
    let task = Task::new(PYTHON)
        .args(["-I", "-c", SCRIPT, &image.name])
        // Each thread would reserve address space, which the sandbox limits.
        .variable("OPENBLAS_NUM_THREADS", "1")
        .file(image.name.as_str(), image.bytes);
    Ok(call.run("the face detector", &task)?.stdout.trim().to_owned())
}
