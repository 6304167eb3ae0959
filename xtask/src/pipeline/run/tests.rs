//! The pipeline on programs that are shell scripts: what runs, with which arguments, and what is skipped.

mod recipes;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// A run folder, and programs that write the artefacts of their stage and note how they were called.
struct Fixture {
    folder: tempfile::TempDir,
}

const PLAIN: PipelineFlags = PipelineFlags { from: None, only: None, force: false };

/// The flags that decide what runs.
#[derive(Clone, Copy)]
struct PipelineFlags {
    from: Option<StageName>,
    only: Option<StageName>,
    force: bool,
}

impl Fixture {
    fn new() -> Self {
        let fixture = Self { folder: tempfile::tempdir().expect("temporary folder") };
        fs::create_dir(fixture.binaries()).expect("a folder");
        let mut bodies: BTreeMap<&str, String> = BTreeMap::new();
        for stage in &STAGES {
            bodies.entry(stage.program).or_default().push_str(&fixture.writes(stage));
        }
        bodies.iter().for_each(|(program, body)| fixture.script(program, body));
        // Besides the load test, lmdeploy is the server: it lives as long as its standard input is open.
        let serve = "if [ \"$1\" = serve ]; then for last; do :; done; mkdir -p \"$(dirname \"$last\")\"; echo '{\"url\": \"http://127.0.0.1:1\"}' > \"$last\"; \
                     cat > /dev/null; exit 0; fi\n";
        let deploy = &STAGES[StageName::Deploy as usize];
        fixture.script("lmdeploy", &(serve.to_owned() + &fixture.writes(deploy)));
        fixture
    }

    fn binaries(&self) -> PathBuf {
        self.folder.path().join("bin")
    }

    fn run_folder(&self) -> PathBuf {
        self.folder.path().join("runs")
    }

    fn calls_file(&self) -> PathBuf {
        self.folder.path().join("calls")
    }

    /// The lines of a script that writes what `stage` leaves behind.
    fn writes(&self, stage: &Stage) -> String {
        let output = self.run_folder().join(stage.name.as_str());
        let artefacts = stage.artefacts.iter().map(|name| {
            let path = output.join(name).display().to_string();
            if name.contains('.') {
                format!("echo '{{}}' > {path}\n")
            } else {
                format!("mkdir -p {path}; echo x > {path}/x\n")
            }
        });
        format!("mkdir -p {}\n", output.display()) + &artefacts.collect::<String>()
    }

    fn script(&self, program: &str, body: &str) {
        let path = self.binaries().join(program);
        let note = format!("echo \"{program} $*\" >> {}\n", self.calls_file().display());
        fs::write(&path, format!("#!/bin/sh\n{note}{body}")).expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("may be run");
    }

    /// Runs the tiny recipe over the scripts and gives the calls without the server's.
    fn run(&self, flags: PipelineFlags) -> Result<Vec<String>> {
        let _ = fs::remove_file(self.calls_file());
        let PipelineFlags { from, only, force } = flags;
        let arguments = PipelineArguments { from, only, force, ..PipelineArguments::quick() };
        let mut pipeline = Pipeline {
            arguments: &arguments,
            recipe: workspace::root().join("recipes/tiny"),
            run: self.run_folder(),
            overrides: BTreeMap::from([("data".to_owned(), vec!["a.b=1".to_owned()])]),
            binaries: self.binaries(),
            artefacts: BTreeMap::new(),
            server: None,
        };
        let ran = pipeline.stages();
        drop(pipeline);
        let calls = fs::read_to_string(self.calls_file()).unwrap_or_default();
        let calls = calls.lines().filter(|call| !call.starts_with("lmdeploy serve"));
        ran.map(|()| calls.map(str::to_owned).collect())
    }

    /// The programs that were called, in order.
    fn programs(&self, flags: PipelineFlags) -> Vec<String> {
        let calls = self.run(flags).expect("every stage succeeds");
        calls.iter().map(|call| call.split(' ').next().unwrap_or_default().to_owned()).collect()
    }
}

const ALL: [&str; 10] = [
    "wanjuan-data",
    "internlm-train",
    "xtuner",
    "xtuner",
    "xtuner",
    "xtuner",
    "xtuner",
    "lmdeploy",
    "opencompass",
    "lagent",
];

#[test]
fn a_first_run_calls_every_stage_with_its_config_overrides_and_server() {
    let calls = Fixture::new().run(PLAIN).expect("every stage succeeds");
    assert_eq!(calls[0], "wanjuan-data run recipes/tiny/1-data.toml --set a.b=1");
    assert_eq!(calls[1], "internlm-train train recipes/tiny/2-pretrain.toml --resume none");
    assert_eq!(calls[2], "xtuner generate recipes/tiny/3-finetune.toml");
    assert_eq!(calls[3], "xtuner train recipes/tiny/3-finetune.toml --resume none");
    assert_eq!(calls[4], "xtuner generate recipes/tiny/3b-align.toml");
    assert_eq!(calls[5], "xtuner train recipes/tiny/3b-align.toml --resume none");
    assert_eq!(calls[6], "xtuner test --compare recipes/tiny/3b-align.toml");
    assert!(
        calls[7].starts_with(
            "lmdeploy bench serving --config recipes/tiny/4-deploy.toml --url http://127.0.0.1:1"
        )
    );
    assert!(calls[7].ends_with("deploy/summary.json"), "{}", calls[7]);
    assert_eq!(calls[8], "opencompass recipes/tiny/5-evaluate.toml --set model.base-url=http://127.0.0.1:1");
    assert!(
        calls[9].starts_with("lagent run recipes/tiny/6-agent.toml --set model.base-url="),
        "{}",
        calls[9]
    );
}

#[test]
fn an_unchanged_run_calls_nothing() {
    let fixture = Fixture::new();
    assert_eq!(fixture.programs(PLAIN), ALL);
    assert!(fixture.programs(PLAIN).is_empty());
}

#[test]
fn flags_choose_what_runs_again() {
    let fixture = Fixture::new();
    fixture.programs(PLAIN);
    assert_eq!(fixture.programs(PipelineFlags { force: true, ..PLAIN }), ALL);
    let from = PipelineFlags { from: Some(StageName::Deploy), ..PLAIN };
    assert_eq!(fixture.programs(from), ["lmdeploy", "opencompass", "lagent"]);
    let only = PipelineFlags { only: Some(StageName::Evaluate), ..PLAIN };
    assert_eq!(fixture.programs(only), ["opencompass"]);
}

#[test]
fn a_stage_alone_needs_what_comes_before_it_and_nothing_after() {
    let first = PipelineFlags { only: Some(StageName::Data), ..PLAIN };
    assert_eq!(Fixture::new().programs(first), ["wanjuan-data"]);
    let only = PipelineFlags { only: Some(StageName::Agent), ..PLAIN };
    let error = Fixture::new().run(only).expect_err("nothing has been run");
    assert!(error.is::<UsageError>() && error.to_string().contains("data (wanjuan-data)"), "{error}");
}

#[test]
fn a_changed_artefact_runs_its_stage_and_what_changes_with_it() {
    let fixture = Fixture::new();
    fixture.programs(PLAIN);
    let checkpoint = fixture.run_folder().join("pretrain/hf/x");
    fs::write(&checkpoint, "damaged").expect("writes");
    // The stage makes the same artefact again, so that nothing after it has changed inputs.
    assert_eq!(fixture.programs(PLAIN), ["internlm-train"]);
    let body = fixture.writes(&STAGES[StageName::Pretrain as usize]);
    fixture.script("internlm-train", &(body + &format!("echo other > {}\n", checkpoint.display())));
    assert_eq!(fixture.programs(PLAIN), &ALL[1..4]);
}

#[test]
fn timings_of_a_stage_do_not_run_later_ones() {
    let fixture = Fixture::new();
    fixture.programs(PLAIN);
    let summary = fixture.run_folder().join("pretrain/summary.json");
    let body = fixture.writes(&STAGES[StageName::Pretrain as usize]);
    fixture
        .script("internlm-train", &(body + &format!("echo '{{\"seconds\": 2}}' > {}\n", summary.display())));
    assert_eq!(fixture.programs(PLAIN), ["internlm-train"]);
}

#[test]
fn a_stage_that_failed_resumes_with_the_same_inputs_only() {
    let fixture = Fixture::new();
    let whole = fixture.writes(&STAGES[StageName::Pretrain as usize]);
    fixture.script("internlm-train", "exit 1\n");
    let error = fixture.run(PLAIN).expect_err("the stage fails");
    assert!(format!("{error:#}").contains("stage pretrain (internlm-train) failed"), "{error:#}");
    // The program is an input: a new one starts afresh, and the second try with it resumes.
    fixture.script(
        "internlm-train",
        &format!(
            "[ -e {0} ] || {{ mkdir -p {0}; exit 1; }}\n{whole}",
            fixture.run_folder().join("tried").display()
        ),
    );
    assert!(fixture.run(PLAIN).is_err());
    let calls = fixture.run(PLAIN).expect("the second try succeeds");
    assert_eq!(calls[0], "internlm-train train recipes/tiny/2-pretrain.toml");
}

#[test]
fn a_stage_that_leaves_an_artefact_out_is_an_error() {
    let fixture = Fixture::new();
    fixture.script("wanjuan-data", "exit 0\n");
    let error = fixture.run(PLAIN).expect_err("nothing was written");
    assert!(format!("{error:#}").contains("artefact missing"), "{error:#}");
}

#[test]
fn unknown_recipes_are_named_with_those_that_exist() {
    let arguments = PipelineArguments { recipe: "big".to_owned(), ..PipelineArguments::quick() };
    let error = Pipeline::open(&arguments).expect_err("there is no such recipe");
    let text = error.to_string();
    assert!(error.is::<UsageError>() && text.contains("`big`") && text.contains("smollm2, tiny"), "{text}");
    let quick = PipelineArguments { recipe: "internlm2-1_8b".to_owned(), ..PipelineArguments::quick() };
    assert!(Pipeline::open(&quick).expect_err("it has no quick.toml").to_string().contains("quick.toml"));
}
