//! Kinds of media types: how a body of each is written and read.

/// How bytes of a media type are treated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MediaKind {
    /// JSON in any of its dialects.
    Json,
    /// Fields as in an address (`application/x-www-form-urlencoded`).
    UrlEncoded,
    /// Fields and files (`multipart/form-data`).
    Multipart,
    /// Text that a person could read, such as XML or CSV.
    Text,
    /// Everything else.
    Binary,
}

impl MediaKind {
    /// The kind of a media type, whose parameters do not matter.
    pub(super) fn of(media_type: &str) -> Self {
        let essence = essence(media_type);
        match essence.as_str() {
            // Descriptions of services that accept anything mean JSON.
            "" | "*/*" | "application/*" | "application/json" | "text/json" | "applicationjson" => Self::Json,
            "application/x-www-form-urlencoded" => Self::UrlEncoded,
            "multipart/form-data" => Self::Multipart,
            "application/xml"
            | "application/yaml"
            | "application/x-yaml"
            | "application/graphql"
            | "application/jwt"
            | "application/ndjson"
            | "application/x-ndjson"
            | "application/jsonl"
            | "application/javascript"
            | "application/sql" => Self::Text,
            other if other.ends_with("+json") => Self::Json,
            other if other.starts_with("text/") || other.ends_with("+xml") || other.ends_with("+yaml") => {
                Self::Text
            }
            _ => Self::Binary,
        }
    }

    /// The header that is sent for a media type: a pattern is replaced by what it stands for.
    pub(super) fn sent(media_type: &str) -> String {
        match essence(media_type).as_str() {
            "" | "*/*" | "application/*" | "application/*+json" | "applicationjson" => {
                "application/json".to_owned()
            }
            _ => media_type.to_owned(),
        }
    }
}

/// A media type in lower case without its parameters.
pub(super) fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dialects_are_recognized() {
        for name in ["application/json; charset=utf-8", "application/vnd.api+json", "*/*", "Application/JSON"]
        {
            assert_eq!(MediaKind::of(name), MediaKind::Json, "{name}");
        }
        assert_eq!(MediaKind::of("text/csv"), MediaKind::Text);
        assert_eq!(MediaKind::of("application/soap+xml"), MediaKind::Text);
        assert_eq!(MediaKind::of("image/png"), MediaKind::Binary);
        assert_eq!(MediaKind::sent("*/*"), "application/json");
        assert_eq!(MediaKind::sent("application/json; charset=utf-8"), "application/json; charset=utf-8");
    }
}
