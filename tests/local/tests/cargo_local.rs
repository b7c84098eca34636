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
