//! Tasks with several right labels: 2-3, 2-9, 3-1 and 3-3. The score is the F1 of the labels that an answer contains.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::accusations::ACCUSATIONS;
use super::digits::number;
use super::grade::{Grade, Graded, between, unexpected};
use super::transform::chinese_to_arabic;
use crate::score::text::words::built_in;

/// The facts of marriages of task 2-3.
const MARRIAGE: [&str; 20] = [
    "婚后有子女",
    "限制行为能力子女抚养",
    "有夫妻共同财产",
    "支付抚养费",
    "不动产分割",
    "婚后分局",
    "二次起诉离婚",
    "按月给付抚养费",
    "准予离婚",
    "有夫妻共同债务",
    "婚前个人财产",
    "法定离婚",
    "不履行家庭义务",
    "存在非婚生子",
    "适当帮助",
    "不履行离婚协议",
    "损害赔偿",
    "感情不和分居满二年",
    "子女随非抚养权人生活",
    "婚后个人财产",
];

/// The events of task 2-9.
const EVENTS: [&str; 20] = [
    "支付/给付",
    "欺骗",
    "搜查/扣押",
    "要求/请求",
    "卖出",
    "买入",
    "获利",
    "拘捕",
    "鉴定",
    "同意/接受",
    "供述",
    "联络",
    "帮助/救助",
    "租用/借用",
    "受伤",
    "伪造",
    "卖淫",
    "伤害人身",
    "赔偿",
    "归还/偿还",
];

/// Number of articles of the criminal law.
const ARTICLES: u128 = 490;

static PARAGRAPH: LazyLock<Regex> = LazyLock::new(|| built_in("第(.*?)款"));
static ARTICLE: LazyLock<Regex> = LazyLock::new(|| built_in("第(.*?)条"));
static DIGITS: LazyLock<Regex> = LazyLock::new(|| built_in(r"\d+"));

/// Task 2-3, facts of a marriage: `类别:A、B。`.
pub(super) fn marriage(prediction: &str, reference: &str) -> Graded {
    let labels: BTreeSet<&str> = between(reference, "类别:", "。")?.split('、').collect();
    if let Some(label) = labels.iter().find(|label| !MARRIAGE.contains(*label)) {
        return Err(unexpected(reference, &format!("known labels without `{label}`")));
    }
    Ok(Some(f1(&labels, &contained(prediction, &MARRIAGE))))
}

/// Task 2-9, events of a text: `A;B`.
pub(super) fn events(prediction: &str, reference: &str) -> Graded {
    Ok(Some(f1(&reference.split(';').collect(), &contained(prediction, &EVENTS))))
}

/// Task 3-3, accusations: `罪名:A;B`.
pub(super) fn accusations(prediction: &str, reference: &str) -> Graded {
    between(reference, "罪名:", "")?;
    let reference = reference.replace("罪名:", "");
    Ok(Some(f1(&reference.split(';').collect(), &contained(prediction, &ACCUSATIONS))))
}

/// Task 3-1, articles of the criminal law: `法条:刑法第266条、263条`.
pub(super) fn articles(prediction: &str, reference: &str) -> Graded {
    between(reference, "法条:刑法第", "条")?;
    let plain = reference.replace("法条:刑法第", "").replace('条', "");
    let mut expected = BTreeSet::new();
    for article in plain.split('、') {
        match number(article).filter(|article| *article <= ARTICLES) {
            Some(article) => expected.insert(article),
            None => return Err(unexpected(reference, &format!("article numbers up to {ARTICLES}"))),
        };
    }
    let found: BTreeSet<u128> = prediction.split('、').filter_map(article_number).collect();
    Ok(Some(f1(&expected, &found)))
}

/// The first number of a part of an answer, in Arabic or Chinese digits. The paragraph of an article does not count.
fn article_number(part: &str) -> Option<u128> {
    let part = part.replace("万元", "元");
    let part = PARAGRAPH.replace_all(&part, "");
    let part = chinese_to_arabic(&ARTICLE.replace_all(&part, "${1}"));
    number(DIGITS.find(&part)?.as_str())
}

fn contained<'a>(prediction: &str, options: &[&'a str]) -> BTreeSet<&'a str> {
    options.iter().copied().filter(|option| prediction.contains(option)).collect()
}

fn f1<T: Ord>(expected: &BTreeSet<T>, found: &BTreeSet<T>) -> Grade {
    let hits = expected.intersection(found).count() as f64;
    let share = |count: usize| if count == 0 { 0.0 } else { hits / count as f64 };
    let (precision, recall) = (share(found.len()), share(expected.len()));
    let sum = precision + recall;
    let score = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
    Grade::share(score).abstained(found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(graded: Graded) -> f64 {
        graded.expect("a fitting answer").expect("a graded item").score
    }

    #[test]
    fn articles_are_found_in_both_kinds_of_digits() {
        let reference = "法条:刑法第266条、263条";
        for (prediction, expected) in [
            ("刑法第二百六十六条、第263条", 1.0),
            ("第二百六十六条", 2.0 / 3.0),
            // What is taken for a paragraph reaches from the article on, as upstream.
            ("第二百六十六条第一款", 0.0),
            ("第67条", 0.0),
            ("无", 0.0),
        ] {
            assert!((score(articles(prediction, reference)) - expected).abs() < 1e-12, "{prediction}");
        }
        assert!(articles("", reference).expect("a reference").expect("graded").abstained);
        assert!(articles("", "法条:刑法第九条").is_err());
        assert!(articles("", "法条:刑法第491条").is_err());
    }

    #[test]
    fn labels_count_once() {
        assert!((score(events("欺骗、欺骗;获利", "欺骗;伪造")) - 0.5).abs() < 1e-12);
        assert!((score(accusations("盗窃", "罪名:盗窃")) - 1.0).abs() < 1e-12);
        assert!((score(marriage("准予离婚", "类别:准予离婚、法定离婚。")) - 2.0 / 3.0).abs() < 1e-12);
        assert!(marriage("", "类别:未知。").is_err());
    }
}
