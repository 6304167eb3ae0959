//! Many descriptions: a folder of public ones, and damaged ones.

use super::*;

/// Public descriptions, when a folder of them is named: at least 95 % of their operations become tools.
#[test]
fn a_corpus_of_public_descriptions_becomes_tools() {
    let Some(folder) = std::env::var_os("LAGENT_OPENAPI_CORPUS") else {
        println!("skipped: LAGENT_OPENAPI_CORPUS does not name a folder of descriptions");
        return;
    };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("lists").map(|entry| entry.expect("lists").path()).collect();
    files.sort();
    let (mut tools, mut skipped, mut unread) = (0, 0, Vec::<OpenApiError>::new());
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let settings = ToolSettings::default();
    for file in &files {
        let source = file.display().to_string();
        let import = match OpenApi::read(&source) {
            Ok(import) => import,
            Err(error) => {
                unread.push(error);
                continue;
            }
        };
        let actions: Vec<Arc<dyn Action>> =
            import.actions("api", &OpenApiConfig::new(source), &settings).expect("is configured");
        let names: std::collections::BTreeSet<String> = actions.iter().map(|tool| tool.spec().name).collect();
        assert_eq!(names.len(), actions.len(), "{}: names are unique", file.display());
        assert!(names.iter().all(|name| name.len() <= 64), "{}: names are short", file.display());
        tools += actions.len();
        skipped += import.skipped().len();
        for operation in import.skipped() {
            let kind = operation.reason.split('`').step_by(2).collect::<Vec<_>>().join("_");
            *reasons.entry(kind).or_default() += 1;
        }
    }
    let share = tools as f64 / (tools + skipped) as f64;
    println!(
        "{} descriptions, {} unread: {tools} of {} operations, {:.2} %",
        files.len(),
        unread.len(),
        tools + skipped,
        100.0 * share
    );
    for (reason, count) in &reasons {
        println!("  {count}: {reason}");
    }
    for error in &unread {
        println!("  unread: {error}");
    }
    assert!(files.len() - unread.len() >= 50 && share >= 0.95, "{share}");
}

#[test]
fn damaged_descriptions_are_errors_and_not_panics() {
    let text = std::fs::read(shop()).expect("reads");
    let whole = serde_json::to_vec(
        &json!({"openapi": "3.1.0", "paths": {"/a": {"get": {"parameters": [1, {"name": 2}]}}}}),
    );
    let whole = whole.expect("serializes");
    let mut rng = internlm_kit::testing::TestRng::new(7);
    for round in 0..400 {
        let mut bytes = if round % 4 == 0 { whole.clone() } else { text.clone() };
        for _ in 0..=round % 5 {
            internlm_kit::testing::mutate(&mut bytes, &mut rng);
        }
        if let Ok(import) = OpenApi::parse(&String::from_utf8_lossy(&bytes)) {
            let _ = import.specs("a");
        }
    }
    for odd in [
        json!({"openapi": "3.0.0", "paths": []}),
        json!({"openapi": "3.0.0", "paths": {"/a": 1, "/b": {"get": 2}, "/c": {"get": {"parameters": "x", "requestBody": 3}}}}),
        json!({"openapi": "3.0.0", "components": [], "servers": {}, "security": 1, "paths": {"/a": {"get": {"responses": 1}}}}),
    ] {
        assert!(OpenApi::parse(&odd.to_string()).is_ok(), "{odd}");
    }
}
