//! Runs the commands of the tour in `docs/metadata.md`, as a developer types them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::Folder;
use serde_json::Value;
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

const PAGE: &str = include_str!("../../../docs/metadata.md");

/// Printed in place of each line that names an output.
const MARK: &str = "@@@@";

/// The commands as one script, and the texts that the outputs before each mark have.
fn tour() -> (String, Vec<&'static str>) {
    let (_, tour) = PAGE.split_once("## Tour").unwrap();
    let blocks = tour.split("```sh\n").skip(1).map(|block| block.split_once("```").unwrap().0);
    let (mut script, mut expected) = (String::from("set -euo pipefail\n"), Vec::new());
    for line in blocks.flat_map(str::lines) {
        match line.strip_prefix("# => ") {
            Some(text) => {
                expected.push(text);
                script.push_str(&format!("echo '{MARK}'\n"));
            }
            None => script.push_str(&format!("{line}\n")),
        }
    }
    (script, expected)
}

#[tokio::test]
async fn every_command_of_the_tour_has_the_output_that_the_page_says() {
    let data = Folder::new("tour");
    let mut local = Command::new(env!("CARGO_BIN_EXE_local"))
        .args(["--port", "0", "--json", "--data"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(local.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let said = |name: &str| ready[name].as_str().unwrap_or_else(|| panic!("`{name}` in {ready}"));
    let (script, expected) = tour();
    assert!(expected.len() >= 8, "{expected:?}");
    let variables = [("URL", "url"), ("TENANT", "tenant_id"), ("TOKEN", "token"), ("METADATA_URL", "metadata_url")];
    let output = Command::new("bash")
        .args(["-c", &script])
        .envs(variables.map(|(variable, name)| (variable, said(name))))
        .output()
        .await
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let outputs: Vec<&str> = text.split(MARK).collect();
    for (place, expected) in expected.iter().enumerate() {
        let found = outputs.get(place).unwrap_or_else(|| panic!("the tour ended before `{expected}`:\n{text}"));
        assert!(found.contains(expected), "`{expected}` is not in\n{found}");
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    local.kill().await.unwrap();
}
