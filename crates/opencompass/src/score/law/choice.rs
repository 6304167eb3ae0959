//! Tasks with one right label: 1-2, 2-2, 2-4, 2-8 and 3-6. An answer is right if it contains the right label and no
//! other one.

use super::grade::{Grade, Graded, between, unexpected};

const LETTERS: [&str; 5] = ["A", "B", "C", "D", "E"];

/// The disputes of task 2-2.
const DISPUTES: [&str; 16] = [
    "诉讼主体",
    "租金情况",
    "利息",
    "本金争议",
    "责任认定",
    "责任划分",
    "损失认定及处理",
    "原审判决是否适当",
    "合同效力",
    "财产分割",
    "责任承担",
    "鉴定结论采信问题",
    "诉讼时效",
    "违约",
    "合同解除",
    "肇事逃逸",
];
/// The dispute of task 2-2 that is not among the labels. Its items are left out.
const LEFT_OUT: &str = "赔偿";

/// The fields of law of task 2-4.
const CONSULTATIONS: [&str; 20] = [
    "婚姻家庭",
    "劳动纠纷",
    "交通事故",
    "债权债务",
    "刑事辩护",
    "合同纠纷",
    "房产纠纷",
    "侵权",
    "公司法",
    "医疗纠纷",
    "拆迁安置",
    "行政诉讼",
    "建设工程",
    "知识产权",
    "综合咨询",
    "人身损害",
    "涉外法律",
    "海事海商",
    "消费权益",
    "抵押担保",
];

/// Task 1-2, knowledge questions: `正确答案：A。...`.
pub(super) fn knowledge(prediction: &str, reference: &str) -> Graded {
    letter(prediction, reference, "正确答案：", &LETTERS[..4])
}

/// Task 3-6, case analysis: `正确答案:A。...`.
pub(super) fn case_analysis(prediction: &str, reference: &str) -> Graded {
    letter(prediction, reference, "正确答案:", &LETTERS[..4])
}

/// Task 2-8, arguments: `[正确答案]A...`.
pub(super) fn argument(prediction: &str, reference: &str) -> Graded {
    letter(prediction, reference, "[正确答案]", &LETTERS)
}

/// Task 2-2, the focus of a dispute: `争议焦点类别：...。`.
pub(super) fn dispute(prediction: &str, reference: &str) -> Graded {
    // The last letter, whatever it is, does not belong to the label.
    let end = reference.chars().next_back().map(String::from).unwrap_or_default();
    match between(reference, "争议焦点类别：", &end)? {
        LEFT_OUT => Ok(None),
        label => one_of(prediction, label, &DISPUTES),
    }
}

/// Task 2-4, the field of a consultation.
pub(super) fn consultation(prediction: &str, reference: &str) -> Graded {
    one_of(prediction, reference, &CONSULTATIONS)
}

fn letter(prediction: &str, reference: &str, begin: &str, options: &[&str]) -> Graded {
    let rest = between(reference, begin, "")?;
    let label = rest.chars().next().map(String::from).unwrap_or_default();
    one_of(prediction, &label, options)
}

fn one_of(prediction: &str, label: &str, options: &[&str]) -> Graded {
    if !options.contains(&label) {
        return Err(unexpected(label, &format!("one of {}", options.join(", "))));
    }
    let found: Vec<&&str> = options.iter().filter(|option| prediction.contains(**option)).collect();
    let correct = found.len() == 1 && *found[0] == label;
    Ok(Some(Grade::verdict(correct).abstained(found.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(graded: Graded) -> (Option<bool>, bool) {
        let grade = graded.expect("a fitting answer").expect("a graded item");
        (grade.correct, grade.abstained)
    }

    #[test]
    fn only_the_right_label_alone_is_right() {
        assert_eq!(verdict(knowledge("答案是B。B对", "正确答案：B。")), (Some(true), false));
        assert_eq!(verdict(knowledge("A或B", "正确答案：B。")), (Some(false), false));
        assert_eq!(verdict(knowledge("不知道", "正确答案：B。")), (Some(false), true));
        assert_eq!(verdict(argument("E", "[正确答案]E")), (Some(true), false));
        assert_eq!(verdict(dispute("类别是利息", "争议焦点类别：利息。")), (Some(true), false));
        assert_eq!(verdict(consultation("侵权", "侵权")), (Some(true), false));
    }

    #[test]
    fn an_unknown_label_is_an_error_and_one_is_left_out() {
        assert_eq!(dispute("赔偿", "争议焦点类别：赔偿。"), Ok(None));
        assert!(dispute("利息", "利息").is_err());
        assert!(knowledge("A", "正确答案：E").is_err());
        assert!(knowledge("A", "").is_err());
    }
}
