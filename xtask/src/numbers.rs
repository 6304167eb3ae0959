//! Numbers of a run as people read them: [`Row`], [`display`].

use serde_json::Value;

/// One number of a run as shown to a person.
#[derive(Debug)]
pub(crate) struct Row {
    /// Name of the stage.
    pub(crate) stage: String,
    /// Name of the metric, in words.
    pub(crate) metric: String,
    /// The value as [`display`] writes it.
    pub(crate) value: String,
}

/// Numbers with thousands separators and at most four significant decimals; text as it is.
pub(crate) fn display(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => thousands(integer),
            None => decimal(number.as_f64().unwrap_or(f64::NAN)),
        },
        other => other.to_string(),
    }
}

fn decimal(value: f64) -> String {
    if value.abs() >= 1000.0 {
        return thousands(value.round() as i64);
    }
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn thousands(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_read_well() {
        let shown = |value: Value| display(&value);
        assert_eq!(shown(json!(1_234_567)), "1,234,567");
        assert_eq!(shown(json!(-1000)), "-1,000");
        assert_eq!(shown(json!(1.93456)), "1.9346");
        assert_eq!(shown(json!(0.97)), "0.97");
        assert_eq!(shown(json!(7676.4)), "7,676");
        assert_eq!(shown(json!("q4")), "q4");
    }

    #[test]
    fn thousands_only_add_separators() {
        for value in [0, 7, -7, 999, 1000, -999_999, 12_345_678, i64::MAX, i64::MIN] {
            let text = thousands(value);
            assert_eq!(text.replace(',', ""), value.to_string());
            let groups: Vec<&str> = text.trim_start_matches('-').split(',').collect();
            assert!(
                groups[1..].iter().all(|group| group.len() == 3) && (1..=3).contains(&groups[0].len()),
                "{text}"
            );
        }
    }
}
