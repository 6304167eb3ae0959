//! Settings of a dataset file that its mode or its rule of examples never reads. They are refused by name, because
//! whoever wrote one expects it to change something.

use serde::Serialize;

use super::{DatasetConfig, FewShotConfig, InferConfig, Mode, Retriever};

/// The modes in which a model writes an answer.
const WRITING: &[Mode] = &[Mode::Gen, Mode::Chat, Mode::Agent, Mode::Sc, Mode::Tot, Mode::Attack];
/// Those of them that ask a question as often as `n` says; the answers of `attack` are forms of its prompts.
const REPEATED: &[Mode] = &[Mode::Gen, Mode::Chat, Mode::Agent, Mode::Sc, Mode::Tot];

/// Returns the word that files use for a choice without data.
pub(super) fn word(choice: impl Serialize) -> String {
    let value = serde_json::to_value(choice).expect("a choice without data is one word");
    value.as_str().unwrap_or_default().to_owned()
}

/// A setting, and the choices that read it.
struct Setting<T: 'static> {
    key: &'static str,
    is_set: bool,
    readers: &'static [T],
}

impl<T: Copy + PartialEq + Serialize + 'static> Setting<T> {
    /// Says what is wrong if the setting is there and `choice` does not read it. `table` and `of` name the places of the
    /// setting and of the choice.
    fn problem(&self, choice: T, (table, of): (&str, &str)) -> Option<String> {
        let is_unused = self.is_set && !self.readers.contains(&choice);
        is_unused.then(|| {
            let readers: Vec<String> = self.readers.iter().map(|reader| word(*reader)).collect();
            let (key, found, expected) = (self.key, word(choice), readers.join(", "));
            format!(
                "{table}.{key}: found it for {of} {found}, which does not read it, expected {of} {expected}"
            )
        })
    }
}

impl DatasetConfig {
    /// Lists the settings of `[infer]` and `[few_shot]` that change nothing.
    pub(super) fn unused_settings(&self) -> Vec<String> {
        let mode = self.infer.mode;
        let infer = infer_settings(&self.infer);
        let infer = infer.iter().filter_map(|setting| setting.problem(mode, ("infer", "mode")));
        let retriever = self.few_shot.retriever;
        let few_shot = few_shot_settings(&self.few_shot);
        let few_shot =
            few_shot.iter().filter_map(|setting| setting.problem(retriever, ("few_shot", "retriever")));
        infer.chain(unreached(&self.infer)).chain(few_shot).collect()
    }
}

fn infer_settings(infer: &InferConfig) -> Vec<Setting<Mode>> {
    let setting = |key, is_set, readers: &'static [Mode]| Setting { key, is_set, readers };
    vec![
        setting("max_out_len", infer.max_out_len.is_some(), WRITING),
        setting("stop", !infer.stop.is_empty(), WRITING),
        setting("temperature", infer.temperature.is_some(), WRITING),
        setting("n", infer.n > 1, REPEATED),
        setting("k", !infer.k.is_empty(), REPEATED),
        setting("turns", infer.turns.is_some(), &[Mode::Chat, Mode::Agent]),
        setting("max_document_bytes", infer.max_document_bytes.is_some(), &[Mode::Rolling, Mode::PplOnly]),
        setting("normalizing_str", infer.normalizing_str.is_some(), &[Mode::Ppl]),
        setting("style", infer.style.is_some(), &[Mode::Loglikelihood, Mode::Rolling]),
        setting("sc_size", infer.sc_size.is_some(), &[Mode::Sc]),
        setting("tot", infer.tot.is_some(), &[Mode::Tot]),
        setting("agent", !infer.agent.is_empty(), &[Mode::Agent]),
        setting("measure", infer.measure.is_some(), &[Mode::PplOnly]),
        setting("min_k", infer.min_k.is_some(), &[Mode::PplOnly]),
        setting("window", infer.window.is_some(), &[Mode::Rolling]),
        setting("attack", infer.attack.is_some(), &[Mode::Attack]),
    ]
}

/// Lists the `k` of which there are not as many answers. Upstream leaves pass@k out then and gives 0 for G-Pass@k.
fn unreached(infer: &InferConfig) -> Option<String> {
    let k = infer.k.iter().find(|k| **k == 0 || **k > infer.n)?;
    Some(format!("infer.k: found {k}, expected 1 to {}, the number of answers (infer.n)", infer.n))
}

fn few_shot_settings(few_shot: &FewShotConfig) -> Vec<Setting<Retriever>> {
    use Retriever::{Bm25, Dpp, Fixk, Mdl, Random, SlidingK, Topk, Votek, Xiezhi};
    let setting = |key, is_set, readers: &'static [Retriever]| Setting { key, is_set, readers };
    vec![
        setting("ids", !few_shot.ids.is_empty(), &[Fixk]),
        setting("count", few_shot.count.is_some(), &[Random, SlidingK, Bm25, Topk, Mdl, Votek, Dpp, Xiezhi]),
        // `dpp` draws nothing; upstream's configurations give it a seed all the same.
        setting("seed", few_shot.seed.is_some(), &[Random, Mdl, Votek, Dpp]),
        setting("candidates", few_shot.candidates.is_some(), &[Mdl, Dpp]),
        setting("select_time", few_shot.select_time.is_some(), &[Mdl]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(infer: &str, few_shot: &str) -> Vec<String> {
        let text = format!(
            "name = \"set\"\nsource = {{ files = [\"a.jsonl\"] }}\nreader = {{ input = [\"q\"], output = \"a\" }}\n\
             prompt = {{ text = \"{{q}}\" }}\nscore = {{ evaluator = \"acc\" }}\ninfer = {{ {infer} }}\n\
             few_shot = {{ {few_shot} }}\n"
        );
        DatasetConfig::parse(&text, "set.toml").expect("a dataset file").unused_settings()
    }

    #[test]
    fn every_setting_that_the_mode_does_not_read_is_named() {
        let all = "mode = \"clp\", max_out_len = 9, stop = [\"x\"], temperature = 0.5, n = 2, k = [1], \
                   turns = \"every\", max_document_bytes = 9, normalizing_str = \"x\", style = \"harness\", \
                   sc_size = 3, tot = {}, agent = { tools = [] }, measure = \"min_k\", min_k = 9, window = {}, \
                   attack = {}";
        let found = problems(all, "");
        let keys: Vec<&str> = found.iter().filter_map(|problem| problem.split(": ").next()).collect();
        let expected = [
            "max_out_len",
            "stop",
            "temperature",
            "n",
            "k",
            "turns",
            "max_document_bytes",
            "normalizing_str",
            "style",
            "sc_size",
            "tot",
            "agent",
            "measure",
            "min_k",
            "window",
            "attack",
        ];
        assert_eq!(keys, expected.map(|key| format!("infer.{key}")));
        assert_eq!(
            problems("mode = \"ppl\", stop = [\"x\"]", ""),
            [
                "infer.stop: found it for mode ppl, which does not read it, expected mode gen, chat, agent, sc, tot, attack"
            ]
        );
        let used = "mode = \"gen\", max_out_len = 9, stop = [\"x\"], temperature = 0.5, n = 4, k = [1, 4]";
        assert_eq!(problems(used, ""), [""; 0]);
    }

    #[test]
    fn a_k_needs_as_many_answers() {
        let expected = "infer.k: found 8, expected 1 to 4, the number of answers (infer.n)";
        assert_eq!(problems("mode = \"gen\", n = 4, k = [2, 8]", ""), [expected]);
        assert!(problems("mode = \"gen\", k = [0]", "")[0].starts_with("infer.k: found 0, expected 1 to 1"));
    }

    #[test]
    fn examples_need_a_rule_that_reads_their_settings() {
        let found =
            problems("mode = \"gen\"", "ids = [0], count = 2, seed = 1, candidates = 3, select_time = 4");
        assert_eq!(found.len(), 5);
        let ids =
            "few_shot.ids: found it for retriever zero, which does not read it, expected retriever fixk";
        assert_eq!(found[0], ids);
        let mdl = "retriever = \"mdl\", count = 2, seed = 1, candidates = 3, select_time = 4";
        assert_eq!(problems("mode = \"gen\"", mdl), [""; 0]);
        assert_eq!(problems("mode = \"gen\"", "retriever = \"topk\", candidates = 3").len(), 1);
    }
}
