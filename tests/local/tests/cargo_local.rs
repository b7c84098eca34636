//! Tests of `cargo local` as a developer runs it: the program, with the deployed functions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::Folder;
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Output, Stdio},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use trustplane_local::http::{self, Method, Reply};

const CONFIG: &str = "/v1/integrations/aws-identity-center/config";

/// A running program, with the line that it printed when it was ready.
struct Local {
    child: Child,
    ready: Value,
}

impl Local {
    async fn start(data: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_local"))
            .args(["--port", "0", "--json", "--data"])
            .arg(data)
            .args(more)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        Self { child, ready: serde_json::from_str(&line).unwrap() }
    }

    fn said(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap_or_else(|| panic!("`{name}` in {}", self.ready))
    }

    async fn call(&self, method: Method, path: &str, token: &str, body: &str) -> Reply {
        let authorization = format!("Bearer {token}");
        let headers = [
            ("authorization", authorization.as_str()),
            ("x-tenant-id", self.said("tenant_id")),
            ("content-type", "application/json"),
        ];
        http::send(method, &format!("{}{path}", self.said("url")), &headers, body.to_owned()).await.unwrap()
    }

    /// Ends it as Ctrl-C does, and checks that its functions have ended too.
    async fn interrupt(mut self) {
        let id = self.child.id().unwrap();
        let functions = children(id);
        assert!(!functions.is_empty());
        let killed = Command::new("kill").args(["-INT", &id.to_string()]).status().await.unwrap();
        assert!(killed.success());
        assert!(self.child.wait().await.unwrap().success());
        for function in functions {
            assert!(!Path::new("/proc").join(function.to_string()).exists(), "process {function} outlives the stack");
        }
    }
}

/// Returns the running child processes of a process.
fn children(parent: u32) -> Vec<u32> {
    let processes =
        std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    processes
        .filter(|process: &u32| {
            // The second field, a name in parentheses, may contain spaces.
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
            fields.split_whitespace().nth(1) == Some(parent.to_string().as_str())
        })
        .collect()
}

async fn refused(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_local")).args(arguments).output().await.unwrap()
}

#[tokio::test]
async fn the_demo_tenant_is_ready_and_survives_a_restart() {
    let data = Folder::new("demo");
    let first = Local::start(data.path(), &[]).await;
    for name in
        ["url", "tenant_id", "token", "instance_id", "identity_store_id", "region", "dynamodb_endpoint", "table"]
    {
        assert!(!first.said(name).is_empty());
    }
    let variables = std::fs::read(data.path().join("sam-env.json")).unwrap();
    let variables: Value = serde_json::from_slice(&variables).unwrap();
    let variables = &variables["Parameters"];
    let port = first.said("endpoint").rsplit(':').next().unwrap();
    assert_eq!(variables["TRUSTPLANE_ENDPOINT_URL"], format!("http://host.docker.internal:{port}"));
    assert_eq!(variables["TRUSTPLANE_TABLE"], first.said("table"));
    let (tenant, old_token) = (first.said("tenant_id").to_owned(), first.said("token").to_owned());
    let saved = json!({
        "sso_instance_arn": first.said("sso_instance_arn"),
        "role_arn": first.said("role_arn"),
        "region": first.said("region"),
        "configured": true,
    });
    let shown = first.call(Method::GET, CONFIG, &old_token, "").await;
    assert_eq!((shown.status.as_u16(), shown.json()), (200, saved.clone()), "{}", shown.text());
    assert!(shown.header("etag").is_some());
    let anyone = first.call(Method::GET, CONFIG, "tpk_nobody", "").await;
    assert_eq!(anyone.status, 401);
    let emptied = json!({ "sso_instance_arn": "", "role_arn": "", "region": "" });
    let emptied = first.call(Method::PUT, CONFIG, &old_token, &emptied.to_string()).await;
    assert_eq!(emptied.status, 200, "{}", emptied.text());

    // Another data folder, the same table.
    let elsewhere = Folder::new("elsewhere");
    let second = Local::start(elsewhere.path(), &["--dynamodb-endpoint", first.said("dynamodb_endpoint")]).await;
    assert_eq!(second.said("tenant_id"), tenant);
    assert_eq!(second.call(Method::GET, CONFIG, second.said("token"), "").await.status, 200);
    second.interrupt().await;

    let output = refused(&["--port", "0", "--data", data.path().to_str().unwrap()]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is in use by another local stack"));
    first.interrupt().await;

    let again = Local::start(data.path(), &[]).await;
    assert_eq!(again.said("tenant_id"), tenant);
    assert_ne!(again.said("token"), old_token);
    for token in [again.said("token"), &old_token] {
        let shown = again.call(Method::GET, CONFIG, token, "").await;
        assert_eq!(shown.status, 200);
        assert_eq!(shown.json()["configured"], false, "what was changed stays changed");
    }
    again.interrupt().await;
}

/// Waits until a line of a file of the data folder is chosen, and returns it.
async fn line(data: &Folder, file: &str, choose: impl Fn(&Value) -> bool) -> Value {
    let path = data.path().join(file);
    let found = || {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).find(|line| choose(line))
    };
    trustplane_local::wait::until(&format!("a line of {file}"), || found().is_some()).await;
    found().unwrap()
}

#[tokio::test]
async fn an_event_of_a_file_is_put_on_the_bus_and_the_receiver_gets_what_webhooks_bring() {
    let data = Folder::new("webhooks");
    let file = data.path().join("event.json");
    let event = json!({"detail-type": "example.emitted", "detail": {"text": "of a file"}});
    std::fs::write(&file, event.to_string()).unwrap();
    let local = Local::start(data.path(), &["--emit", file.to_str().unwrap()]).await;
    let emitted = line(&data, "events.jsonl", |event| event["detail-type"] == "example.emitted").await;
    assert_eq!((&emitted["detail"], &emitted["source"]), (&event["detail"], &json!("trustplane")));

    let webhook = json!({"url": local.said("receiver_url"), "events": ["policy.saved"]});
    let made = local.call(Method::POST, "/v1/webhooks", local.said("token"), &webhook.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let policy =
        json!({"text": "forbid (principal, action, resource) when { principal.age_days < 0 };", "enabled": true});
    let saved = local.call(Method::PUT, "/v1/policies/mine", local.said("token"), &policy.to_string()).await;
    assert_eq!(saved.status, 200, "{}", saved.text());
    let got = line(&data, "webhooks.jsonl", |got| got["message"]["type"] == "policy.saved").await;
    assert_eq!(got["message"]["data"]["resource_id"], "mine");
    assert_eq!(got["headers"]["webhook-id"], got["message"]["data"]["id"]);
    assert!(got["headers"]["webhook-signature"].as_str().unwrap().starts_with("v1,"));
    local.interrupt().await;
    let missing = data.path().join("missing.json");
    let output =
        refused(&["--port", "0", "--data", data.path().to_str().unwrap(), "--emit", missing.to_str().unwrap()]).await;
    assert!(String::from_utf8_lossy(&output.stderr).contains("missing.json"));
}

#[tokio::test]
async fn a_mistake_in_the_command_line_is_named() {
    let output = refused(&["--prot", "3000"]).await;
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("unknown option `--prot`"));
    assert!(output.stdout.is_empty());
    let output = refused(&["--help"]).await;
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("--dynamodb-endpoint URL"));
}
