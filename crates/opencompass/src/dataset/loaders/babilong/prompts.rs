//! The instructions and worked examples of BABILong's tasks: OpenCompass 0.5.4 `datasets/babilong` (Apache-2.0).

/// What comes before the text, from `qa1` to `qa20`.
const PROMPTS: [&str; 20] = [
    include_str!("qa01.txt"),
    include_str!("qa02.txt"),
    include_str!("qa03.txt"),
    include_str!("qa04.txt"),
    include_str!("qa05.txt"),
    include_str!("qa06.txt"),
    include_str!("qa07.txt"),
    include_str!("qa08.txt"),
    include_str!("qa09.txt"),
    include_str!("qa10.txt"),
    include_str!("qa11.txt"),
    include_str!("qa12.txt"),
    include_str!("qa13.txt"),
    include_str!("qa14.txt"),
    include_str!("qa15.txt"),
    include_str!("qa16.txt"),
    include_str!("qa17.txt"),
    include_str!("qa18.txt"),
    include_str!("qa19.txt"),
    include_str!("qa20.txt"),
];

/// Returns what comes before the text of a task such as `qa1`.
pub(super) fn prompt(task: &str) -> Option<&'static str> {
    let number: usize = task.strip_prefix("qa")?.parse().ok()?;
    let prompt = PROMPTS.get(number.checked_sub(1)?)?;
    Some(prompt.strip_suffix('\n').unwrap_or(prompt))
}
