//! Bodies with fields and files, `multipart/form-data` (RFC 7578).

/// Separates the parts; [`Multipart::finish`] makes it longer when a part contains it.
const BOUNDARY: &str = "lagent-part-3c7d1e5f9a2b4860";

/// The parts of a body in their order.
#[derive(Clone, Debug, Default)]
pub(super) struct Multipart {
    parts: Vec<(String, Vec<u8>)>,
}

impl Multipart {
    /// Adds a field. Without a media type it is plain text.
    pub(super) fn field(&mut self, name: &str, media_type: Option<&str>, text: String) {
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
        if let Some(media_type) = media_type {
            head.push_str(&format!("\r\nContent-Type: {}", without_breaks(media_type)));
        }
        self.parts.push((head, text.into_bytes()));
    }

    /// Adds a file. The media type is that of the file's name unless it is given.
    pub(super) fn file(&mut self, name: &str, media_type: Option<&str>, file: (&str, Vec<u8>)) {
        let (file_name, bytes) = file;
        let media_type = media_type.unwrap_or_else(|| type_of(file_name));
        let head = format!(
            "Content-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\nContent-Type: {}",
            quoted(name),
            quoted(file_name),
            without_breaks(media_type)
        );
        self.parts.push((head, bytes));
    }

    /// The media type with the boundary, and the bytes.
    pub(super) fn finish(self) -> (String, Vec<u8>) {
        let mut boundary = BOUNDARY.to_owned();
        while self.parts.iter().any(|(_, body)| contains(body, boundary.as_bytes())) {
            boundary.push('0');
        }
        let mut bytes = Vec::new();
        for (head, body) in self.parts {
            bytes.extend_from_slice(format!("--{boundary}\r\n{head}\r\n\r\n").as_bytes());
            bytes.extend_from_slice(&body);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        (format!("multipart/form-data; boundary={boundary}"), bytes)
    }
}

/// A name between quotes, as browsers write it.
fn quoted(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn without_breaks(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

/// The media type of a file by its extension.
pub(super) fn type_of(file: &str) -> &'static str {
    match file.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "svg" => "image/svg+xml",
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        "json" => "application/json",
        "csv" => "text/csv",
        "txt" | "md" => "text/plain",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_leave_their_quotes_and_the_boundary_is_unique() {
        let mut multipart = Multipart::default();
        multipart.field("a\"\r\nX: y", Some("text/plain"), "1".to_owned());
        multipart.file("f", None, ("b.png", BOUNDARY.as_bytes().to_vec()));
        let (media_type, bytes) = multipart.finish();
        assert_eq!(media_type, format!("multipart/form-data; boundary={BOUNDARY}0"));
        let expected = format!(
            "--{BOUNDARY}0\r\nContent-Disposition: form-data; name=\"a%22%0D%0AX: y\"\r\nContent-Type: text/plain\r\n\r\n1\r\n\
             --{BOUNDARY}0\r\nContent-Disposition: form-data; name=\"f\"; filename=\"b.png\"\r\nContent-Type: image/png\r\n\r\n\
             {BOUNDARY}\r\n--{BOUNDARY}0--\r\n"
        );
        assert_eq!(String::from_utf8(bytes).expect("is text"), expected);
    }
}
