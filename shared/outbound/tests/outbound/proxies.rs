//! Proxy variables have no effect.

use std::process::Stdio;

use crate::support::{Listener, Server, authority, environment, fetch, ok};

const URL: &str = "TRUSTPLANE_TEST_OUTBOUND_URL";

#[tokio::test]
async fn proxy_variables_are_ignored() {
    let server = Server::start(authority().identity(&["idp.localhost"]), |_| ok("", "document")).await;
    let proxy = Listener::start(|stream| async move { drop(stream) }).await;
    // A process of its own, since the variables are its whole environment's.
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "--ignored", "proxies::with_proxy_variables"]);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        child.env(name, format!("http://{}", proxy.address));
    }
    child.env_remove("NO_PROXY").env_remove("no_proxy");
    child.envs(environment(None)).env(URL, server.url("idp.localhost", "/"));
    let output = child.stdin(Stdio::null()).kill_on_drop(true).output();
    let output =
        tokio::time::timeout(std::time::Duration::from_secs(120), output).await.expect("the child ends").unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
    assert_eq!((server.seen().len(), proxy.connections()), (1, 0));
}

#[tokio::test]
#[ignore = "run by `proxy_variables_are_ignored` in an environment with proxy variables"]
async fn with_proxy_variables() {
    let client = trustplane_outbound::Client::new(&trustplane_outbound::Settings::from_env().unwrap()).unwrap();
    let document = fetch(&client, &std::env::var(URL).unwrap()).await.unwrap();
    assert_eq!(document.body.as_ref(), b"document");
}
