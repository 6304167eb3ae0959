//! Tencent Cloud's search (`tencent_search.py`), whose requests are signed by TC3-HMAC-SHA256.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use internlm_kit::hash::sha256;
use serde_json::{Map, Value, json};

use super::query::Query;
use crate::action::hmac::{bytes_of, hmac_sha256};
use crate::action::local::Failure;
use crate::action::web::hit::Hit;
use crate::action::web::http::Request;
use crate::action::web::provider::Provider;

const ACTION: &str = "SearchCommon";
const VERSION: &str = "2020-12-29";
const SERVICE: &str = "tms";
const CONTENT_TYPE: &str = "application/json";
/// Seconds of a day.
const DAY: u64 = 86_400;

/// Asks the service with a signature of the key, which is the secret key of the id in `secret-id`.
pub(super) fn search(provider: &Provider, query: &Query<'_>) -> Result<Vec<Hit>, Failure> {
    let mut body =
        Map::from_iter([("Query".to_owned(), json!(query.text)), ("Cnt".to_owned(), json!(query.results))]);
    if let Some(site) = provider.text("site").map_err(Failure::tool)? {
        body.insert("Insite".to_owned(), json!(site));
    }
    let body = Value::Object(body);
    let url = provider.url("/", &[])?;
    let mut request = Request::post(url.clone(), &body);
    if let Some(secret) = provider.key()? {
        let id = provider.text("secret-id").map_err(Failure::tool)?;
        let id = id.ok_or_else(|| {
            Failure::tool(provider.problem("extra.secret-id", "missing, expected the id of the key"))
        })?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = format!("{}{port}", url.host_str().unwrap_or_default());
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
        let signed = Signed { id, secret: &secret, host: &host, body: &body.to_string(), time };
        request = request.secret(&secret).header("authorization", signed.authorization());
        request = request.header("x-tc-timestamp", time.to_string());
    }
    let request = request.header("x-tc-action", ACTION).header("x-tc-version", VERSION);
    let answer = request.json(&query.context)?;
    hits(&answer)
}

/// What a signature is made of.
#[derive(Debug)]
struct Signed<'a> {
    id: &'a str,
    secret: &'a str,
    host: &'a str,
    body: &'a str,
    /// Seconds since 1970.
    time: u64,
}

impl Signed<'_> {
    /// The value of the header `Authorization`.
    fn authorization(&self) -> String {
        const SIGNED: &str = "content-type;host;x-tc-action";
        let headers = format!(
            "content-type:{CONTENT_TYPE}\nhost:{}\nx-tc-action:{}\n",
            self.host,
            ACTION.to_lowercase()
        );
        let canonical = format!("POST\n/\n\n{headers}\n{SIGNED}\n{}", sha256(self.body));
        let date = date(self.time);
        let scope = format!("{date}/{SERVICE}/tc3_request");
        let text = format!("TC3-HMAC-SHA256\n{}\n{scope}\n{}", self.time, sha256(&canonical));
        let first = format!("TC3{}", self.secret).into_bytes();
        let key = [date.as_str(), SERVICE, "tc3_request"]
            .iter()
            .fold(first, |key, part| bytes_of(&hmac_sha256(&key, &[part.as_bytes()])));
        let signature = hmac_sha256(&key, &[text.as_bytes()]);
        let id = self.id;
        format!("TC3-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={SIGNED}, Signature={signature}")
    }
}

/// The day of a time as `YYYY-MM-DD`, by Howard Hinnant's `civil_from_days`.
fn date(time: u64) -> String {
    let days = time / DAY + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn hits(answer: &Value) -> Result<Vec<Hit>, Failure> {
    if let Some(message) = answer.pointer("/Response/Error/Message").and_then(Value::as_str) {
        return Err(Failure::service(format!("Tencent: {message}")));
    }
    let pages = answer.pointer("/Response/Pages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let shown = pages.iter().filter_map(|page| {
        let shown: Value = serde_json::from_str(page.get("Display")?.as_str()?).ok()?;
        let text = |name: &str| shown.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let summary =
            Some(text("content")).filter(|text| !text.is_empty()).unwrap_or_else(|| text("abstract_info"));
        Some(Hit { url: text("url"), title: text("title"), summary })
    });
    Ok(shown.filter(|hit| !hit.url.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (time, expected) in
            [(0, "1970-01-01"), (951_782_400, "2000-02-29"), (1_735_689_599, "2024-12-31")]
        {
            assert_eq!(date(time), expected);
        }
    }

    #[test]
    fn a_signature_is_that_of_the_published_algorithm() {
        let body = r#"{"Query":"q","Cnt":20}"#;
        let signed = Signed { id: "AKID", secret: "secret", host: "tms.example", body, time: 1_700_000_000 };
        let expected = "TC3-HMAC-SHA256 Credential=AKID/2023-11-14/tms/tc3_request, \
            SignedHeaders=content-type;host;x-tc-action, \
            Signature=bca8c63742975c9bb655421f222927980a2767efa76744a99e43a738a5fb1bcc";
        assert_eq!(signed.authorization(), expected);
    }

    #[test]
    fn results_are_texts_inside_the_answer() {
        let display =
            json!({"url": "http://a", "title": "A", "content": "", "abstract_info": "I"}).to_string();
        let answer = json!({"Response": {"Pages": [{"Display": display}, {"Display": "{\"url\": \"\"}"}]}});
        let found = hits(&answer).expect("has results");
        assert_eq!((found.len(), found[0].summary.as_str()), (1, "I"));
        assert!(hits(&json!({"Response": {"Error": {"Message": "no"}}})).is_err());
    }
}
