//! Rules of the two template parsers, worked out by hand from upstream's code.

use proptest::prelude::*;

use super::super::{LabelTemplate, Rounds, Template, TextOrTurn};
use super::*;

fn role(name: &str, begin: &str, end: &str) -> MetaRole {
    MetaRole {
        role: name.to_owned(),
        begin: begin.to_owned(),
        end: end.to_owned(),
        api_role: Some(name.to_owned()),
        generate: name == "BOT",
        ..MetaRole::default()
    }
}

/// `<<` around everything, `[H]..` and `[B]..` as turns, a system role at the edges.
fn meta() -> MetaTemplate {
    MetaTemplate {
        begin: "<<".to_owned(),
        round: vec![
            MetaPart::Role(role("HUMAN", "[H]", ";")),
            MetaPart::Text("|".to_owned()),
            MetaPart::Role(role("BOT", "[B]", ".")),
        ],
        reserved_roles: vec![role("SYSTEM", "[S]", "!")],
        end: ">>".to_owned(),
        ..MetaTemplate::default()
    }
}

fn turn(role: &str, prompt: &str) -> Turn {
    Turn { role: role.to_owned(), fallback_role: None, prompt: Some(prompt.to_owned()) }
}

fn list(rounds: Rounds) -> PromptList {
    let row = serde_json::Map::from_iter([("q".to_owned(), "1+1".into())]);
    let empty = PromptList::Text(String::new());
    Template::Rounds(rounds).question(&row, None, None, &empty).expect("fits")
}

fn dialogue(turns: &[(&str, &str)]) -> PromptList {
    let rounds = turns.iter().map(|(role, prompt)| turn(role, prompt)).collect();
    list(Rounds { rounds, ..Rounds::default() })
}

fn text(list: &PromptList, purpose: Purpose) -> String {
    render_text(list, Some(&meta()), purpose).expect("renders")
}

fn messages(list: &PromptList, purpose: Purpose) -> Vec<(String, String)> {
    let messages = render_messages(list, &meta(), purpose).expect("renders");
    messages.into_iter().map(|message| (message.role, message.prompt)).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(role, prompt)| ((*role).to_owned(), (*prompt).to_owned())).collect()
}

#[test]
fn generation_stops_where_the_model_begins_and_scoring_prints_everything() {
    let list = dialogue(&[("HUMAN", "{q}?"), ("BOT", "2")]);
    assert_eq!(text(&list, Purpose::Generate), "<<[H]1+1?;|[B]");
    assert_eq!(text(&list, Purpose::Score), "<<[H]1+1?;|[B]2.>>");
    assert_eq!(messages(&list, Purpose::Generate), pairs(&[("HUMAN", "[H]1+1?;")]));
    assert_eq!(messages(&list, Purpose::Score), pairs(&[("HUMAN", "[H]1+1?;"), ("BOT", "[B]2.")]));
}

#[test]
fn a_role_that_does_not_come_later_begins_a_new_round() {
    let list = dialogue(&[("HUMAN", "a"), ("BOT", "b"), ("HUMAN", "c")]);
    // Only the last round leaves the model's turn open.
    assert_eq!(text(&list, Purpose::Generate), "<<[H]a;|[B]b.[H]c;|[B]");
    // A round without a turn of the model prints the role's own text, which is empty here.
    assert_eq!(text(&list, Purpose::Score), "<<[H]a;|[B]b.[H]c;|[B].>>");
}

#[test]
fn the_edges_of_a_template_are_printed_around_the_rounds() {
    let list = list(Rounds {
        begin: vec![TextOrTurn::Turn(turn("SYSTEM", "Be brief")), TextOrTurn::Text("--".to_owned())],
        rounds: vec![turn("HUMAN", "{q}")],
        end: vec![TextOrTurn::Turn(turn("SYSTEM", "Done"))],
    });
    assert_eq!(text(&list, Purpose::Score), "<<[S]Be brief!--[H]1+1;|[B].[S]Done!>>");
    let expected =
        [("SYSTEM", "[S]Be brief!"), ("HUMAN", "[H]1+1;"), ("BOT", "[B]."), ("SYSTEM", "[S]Done!")];
    assert_eq!(messages(&list, Purpose::Score), pairs(&expected));
}

#[test]
fn neighboring_messages_of_one_role_are_joined() {
    let list = dialogue(&[("HUMAN", "a"), ("HUMAN", "b")]);
    let mut meta = MetaTemplate::api();
    meta.round.truncate(1);
    let found = render_messages(&list, &meta, Purpose::Score).expect("renders");
    assert_eq!(found, [RoleMessage { role: "HUMAN".to_owned(), prompt: "a\nb".to_owned() }]);
}

#[test]
fn an_unknown_role_needs_a_fallback() {
    let mut unknown = turn("TEACHER", "{q}");
    let message = |turn: &Turn| {
        let list = list(Rounds { rounds: vec![turn.clone()], ..Rounds::default() });
        render_text(&list, Some(&meta()), Purpose::Score)
    };
    let error = message(&unknown).expect_err("no such role");
    assert_eq!(error, "role `TEACHER`: found neither the role nor its fallback_role in the meta template");
    unknown.fallback_role = Some("HUMAN".to_owned());
    assert_eq!(message(&unknown).expect("the fallback is known"), "<<[H]1+1;|[B].>>");
}

#[test]
fn a_role_without_an_api_name_cannot_be_a_message() {
    let mut meta = meta();
    meta.round = vec![MetaPart::Role(MetaRole { api_role: None, ..role("HUMAN", "", "") })];
    let error =
        render_messages(&dialogue(&[("HUMAN", "a")]), &meta, Purpose::Score).expect_err("no api_role");
    assert_eq!(
        error,
        "meta template: role `HUMAN`: found no api_role, expected HUMAN, BOT or SYSTEM; roles that have one: SYSTEM"
    );
}

#[test]
fn text_templates_are_not_touched() {
    let list = PromptList::Text("as it is".to_owned());
    assert_eq!(text(&list, Purpose::Score), "as it is");
    assert_eq!(messages(&list, Purpose::Generate), pairs(&[("HUMAN", "as it is")]));
}

#[test]
fn without_a_meta_template_turns_are_lines() {
    let list = dialogue(&[("HUMAN", "a"), ("BOT", ""), ("HUMAN", "b")]);
    assert_eq!(render_text(&list, None, Purpose::Score).expect("renders"), "a\nb");
}

#[test]
fn examples_go_where_the_mark_is() {
    let row = serde_json::Map::from_iter([("q".to_owned(), "x".into()), ("a".to_owned(), "y".into())]);
    let shot = Template::Text("</E>{q}={a}".to_owned());
    let one = shot.shot(&row, "y", Some("</E>")).expect("fits");
    let shots = shot.join(vec![one.clone(), one], "; ", "\n");
    let list = shot.question(&row, None, Some("</E>"), &shots).expect("fits");
    assert_eq!(list, PromptList::Text("x=y; x=y\nx=y".to_owned()));
    // A dialogue of examples cannot go into a plain text.
    let error = shot.question(&row, None, Some("</E>"), &dialogue(&[("HUMAN", "a")])).expect_err("text");
    assert_eq!(error, "`</E>`: found a dialogue of examples, expected text inside a text template");
}

#[test]
fn a_label_has_its_own_template() {
    let labels = [("A", "{q} yes"), ("B", "{q} no")];
    let labels = labels.map(|(label, text)| (label.to_owned(), LabelTemplate::Text(text.to_owned())));
    let template = Template::Labels(labels.into_iter().collect());
    let row = serde_json::Map::from_iter([("q".to_owned(), "x".into())]);
    let empty = PromptList::Text(String::new());
    let prompt = |label| template.question(&row, label, None, &empty);
    assert_eq!(prompt(Some("B")).expect("known"), PromptList::Text("x no".to_owned()));
    assert_eq!(prompt(None).expect("the first"), PromptList::Text("x yes".to_owned()));
    assert_eq!(prompt(Some("C")).expect_err("unknown"), "label `C`: expected one of A, B");
    assert_eq!(template.labels(), ["A", "B"]);
}

proptest! {
    #[test]
    fn a_generated_prompt_is_the_beginning_of_the_scored_one(
        turns in proptest::collection::vec(("[a-z ]{0,6}", "[a-z ]{0,6}"), 1..5),
    ) {
        let turns: Vec<(&str, &str)> =
            turns.iter().flat_map(|(human, bot)| [("HUMAN", human.as_str()), ("BOT", bot.as_str())]).collect();
        let list = dialogue(&turns);
        let (generated, scored) = (text(&list, Purpose::Generate), text(&list, Purpose::Score));
        prop_assert!(scored.starts_with(&generated), "{} {}", generated, scored);
        prop_assert!(generated.ends_with("[B]") && scored.ends_with(".>>"));
        prop_assert_eq!(messages(&list, Purpose::Score).len(), turns.len());
        prop_assert_eq!(messages(&list, Purpose::Generate).len(), turns.len() - 1);
    }
}
