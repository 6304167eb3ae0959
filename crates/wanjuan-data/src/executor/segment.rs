//! [`Segment`]: runs of document stages between passes, the pieces in which a pipeline is executed.

use crate::stage_table::{StageConfig, StageKind};

/// A stage with the name it has in this pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LabeledStage {
    /// The stage's name, numbered from its second use on: `c4`, `c4-2`.
    pub(super) label: String,
    pub(super) config: StageConfig,
}

/// A piece of the pipeline.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Segment {
    /// Document stages, executed part by part without writing anything in between.
    Stages(Vec<LabeledStage>),
    /// One pass, which needs all documents at once.
    Pass(LabeledStage),
}

/// Cuts a pipeline at its passes.
pub(super) fn segments(stages: &[StageConfig]) -> Vec<Segment> {
    let mut segments = Vec::new();
    for (place, config) in stages.iter().enumerate() {
        let name = config.name();
        let uses = stages[..=place].iter().filter(|stage| stage.name() == name).count();
        let label = if uses == 1 { name.to_owned() } else { format!("{name}-{uses}") };
        let stage = LabeledStage { label, config: config.clone() };
        match segments.last_mut() {
            _ if config.kind() == StageKind::Pass => segments.push(Segment::Pass(stage)),
            Some(Segment::Stages(open)) => open.push(stage),
            _ => segments.push(Segment::Stages(vec![stage])),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stage(name: &str) -> StageConfig {
        toml::from_str(&format!("stage = \"{name}\"")).expect("every key has a default")
    }

    fn labels(segment: &Segment) -> Vec<&str> {
        match segment {
            Segment::Stages(stages) => stages.iter().map(|stage| stage.label.as_str()).collect(),
            Segment::Pass(stage) => vec![stage.label.as_str()],
        }
    }

    #[test]
    fn passes_cut_and_repeated_stages_are_numbered() {
        let stages = ["extract", "c4", "exact-dedup", "near-dedup", "c4", "exact-dedup"].map(stage);
        let segments = segments(&stages);
        let labels: Vec<Vec<&str>> = segments.iter().map(labels).collect();
        assert_eq!(
            labels,
            [
                vec!["extract", "c4"],
                vec!["exact-dedup"],
                vec!["near-dedup"],
                vec!["c4-2"],
                vec!["exact-dedup-2"]
            ]
        );
        assert!(matches!(segments[3], Segment::Stages(_)) && matches!(segments[4], Segment::Pass(_)));
    }

    proptest! {
        #[test]
        fn no_stage_is_lost_reordered_or_named_like_another(
            names in prop::collection::vec(prop::sample::select(vec!["c4", "fineweb", "exact-dedup", "repeated-lines"]), 0..12)
        ) {
            let stages: Vec<StageConfig> = names.iter().map(|name| stage(name)).collect();
            let segments = segments(&stages);
            let labels: Vec<&str> = segments.iter().flat_map(labels).collect();
            let mut uses = std::collections::BTreeMap::new();
            let expected: Vec<String> = names
                .iter()
                .map(|name| {
                    let uses = uses.entry(*name).and_modify(|uses| *uses += 1).or_insert(1);
                    if *uses == 1 { (*name).to_owned() } else { format!("{name}-{uses}") }
                })
                .collect();
            prop_assert_eq!(labels, expected);
            let open = |pair: &[Segment]| matches!(pair, [Segment::Stages(_), Segment::Stages(_)]);
            prop_assert!(!segments.windows(2).any(open), "document stages in a row are one segment");
        }
    }
}
