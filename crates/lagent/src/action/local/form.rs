//! Forms with files, as `multipart/form-data` (RFC 7578).

/// Separates the parts. `Form::boundary` makes it longer when a part contains it.
const BOUNDARY: &str = "lagent-part-7f3c1d5e9b2a4860";

/// The parts of a form in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Form {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    head: String,
    body: Vec<u8>,
}

impl Form {
    /// Adds a field.
    pub(super) fn field(mut self, name: &str, value: &str) -> Self {
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        self.parts.push(Part { head, body: value.as_bytes().to_vec() });
        self
    }

    /// Adds a file. `file` is a plain name that this crate made.
    pub(super) fn file(mut self, name: &str, file: &str, bytes: Vec<u8>) -> Self {
        let head = format!(
            "Content-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: {}",
            media_type(file)
        );
        self.parts.push(Part { head, body: bytes });
        self
    }

    /// A boundary that no part contains.
    fn boundary(&self) -> String {
        let mut boundary = BOUNDARY.to_owned();
        while self.parts.iter().any(|part| contains(&part.body, boundary.as_bytes())) {
            boundary.push('0');
        }
        boundary
    }

    /// The value of the request's `Content-Type`.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary())
    }

    /// The body of the request.
    pub(super) fn finish(self) -> Vec<u8> {
        let boundary = self.boundary();
        let mut body = Vec::new();
        for part in self.parts {
            body.extend_from_slice(format!("--{boundary}\r\n{}\r\n\r\n", part.head).as_bytes());
            body.extend_from_slice(&part.body);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        body
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// The media type of a file by its extension.
pub(super) fn media_type(file: &str) -> &'static str {
    match file.rsplit('.').next().unwrap_or_default() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "bmp" => "image/bmp",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_separated_by_what_they_do_not_contain() {
        let form =
            Form::default().field("model", "m").file("file", "input.wav", BOUNDARY.as_bytes().to_vec());
        assert_eq!(form.content_type(), format!("multipart/form-data; boundary={BOUNDARY}0"));
        let body = String::from_utf8(form.finish()).expect("is text");
        let expected = format!(
            "--{BOUNDARY}0\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n\
             --{BOUNDARY}0\r\nContent-Disposition: form-data; name=\"file\"; filename=\"input.wav\"\r\n\
             Content-Type: audio/wav\r\n\r\n{BOUNDARY}\r\n--{BOUNDARY}0--\r\n"
        );
        assert_eq!(body, expected);
    }
}
