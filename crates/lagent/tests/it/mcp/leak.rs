//! A thousand calls leave neither open files nor threads nor memory behind, in the client and in the server.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use lagent::mcp::{CallOptions, HttpConfig, McpConfig, McpServer};
use serde_json::json;

use super::stage::{Served, calculator, own_program};

/// Tells the process that runs the test below to make the calls: other tests would disturb the counts.
const ALONE: &str = "LAGENT_TEST_MCP_ALONE";
/// Maximum growth of a process's memory, KiB. A leak of one result of 20 KiB for each call would be larger.
const GROWTH: u64 = 16 << 10;

/// What a process holds.
#[derive(Debug)]
struct Held {
    files: usize,
    threads: usize,
    memory: u64,
}

impl Held {
    fn of(process: &str) -> Self {
        let folder = PathBuf::from("/proc").join(process);
        let count = |name| fs::read_dir(folder.join(name)).map(Iterator::count).unwrap_or_default();
        let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
        Self { files: count("fd"), threads: count("task"), memory: memory.unwrap_or_default() }
    }

    fn check(&self, after: &Self, whose: &str) {
        // A connection that is closing and a thread that is idle may come and go.
        let is_good = after.files <= self.files + 3
            && after.threads <= self.threads + 3
            && after.memory <= self.memory + GROWTH;
        assert!(is_good, "{whose}: before {self:?}, after {after:?}");
    }
}

fn calls(server: &McpServer, count: usize) {
    for number in 0..count {
        let value =
            server.call("Calculator", &json!({"expression": format!("{number}+1")}), &CallOptions::default());
        assert_eq!(value.expect("answers").for_model(), (number + 1).to_string());
    }
}

fn check(server: &McpServer, processes: &[&str]) {
    calls(server, 100);
    let before: Vec<Held> = processes.iter().map(|process| Held::of(process)).collect();
    calls(server, 1000);
    for (process, before) in processes.iter().zip(before) {
        before.check(&Held::of(process), &format!("{} {process}", server.name()));
    }
}

#[test]
fn a_thousand_calls_leave_nothing_behind() {
    if std::env::var_os(ALONE).is_none() {
        let ran = Command::new(std::env::current_exe().expect("this test's binary"))
            .args(["--exact", "mcp::leak::a_thousand_calls_leave_nothing_behind", "--nocapture"])
            .env(ALONE, "1")
            .output()
            .expect("starts");
        let (stdout, stderr) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        assert!(ran.status.success() && stdout.contains("1 passed"), "{stdout}{stderr}");
        return;
    }
    let program = McpServer::connect("program", &own_program()).expect("starts");
    let child = child_of_this_process();
    check(&program, &["self", &child]);
    program.close();
    let served = Served::start(calculator(), HttpConfig::default());
    let http = McpServer::connect("http", &McpConfig::at(&served.url)).expect("connects");
    check(&http, &["self"]);
    http.close();
}

/// The number of the only child.
fn child_of_this_process() -> String {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").expect("reads /proc").flatten();
    let child = processes.filter_map(|entry| entry.file_name().into_string().ok()).find(|process| {
        let stat = fs::read_to_string(PathBuf::from("/proc").join(process).join("stat")).unwrap_or_default();
        // The parent is the second field behind the name.
        stat.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)) == Some(own.as_str())
    });
    child.expect("the program runs")
}
