//! The implementations: their programs, their environment and their packages.

use tokio::process::Command;

use super::{prepared, text};
use crate::tls::Endpoint;
use crate::{Built, Error};

/// Certificates that the system trusts, where Debian has them.
const SYSTEM_CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Implementation {
    Trustplane,
    Rust,
    Node,
    Python,
}

impl Implementation {
    pub(crate) const ALL: [Self; 4] = [Self::Trustplane, Self::Rust, Self::Node, Self::Python];

    /// Returns the name in JSON and in names of files.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Trustplane => "trustplane",
            Self::Rust => "rust",
            Self::Node => "node",
            Self::Python => "python",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Trustplane => "Trustplane",
            Self::Rust => "Rust, AWS SDK",
            Self::Node => "Node.js, AWS SDK v3",
            Self::Python => "Python, boto3",
        }
    }

    /// Returns true if instructions can be counted: Node.js writes its code while it runs, and does not run under valgrind.
    pub(crate) fn has_instructions(self) -> bool {
        self != Self::Node
    }

    /// Returns the command of the function with this name.
    pub(crate) fn words(self, built: &Built, name: &str) -> Vec<String> {
        let folder = prepared(built);
        match self {
            Self::Trustplane => vec![text(&built.program(name))],
            Self::Rust => vec![text(&folder.join("rust/release").join(name))],
            Self::Node => {
                let node = folder.join("node");
                vec![text(&node.join("node")), text(&node.join("runtime.js")), text(&node.join(format!("{name}.js")))]
            }
            Self::Python => {
                vec![python(built), text(&folder.join("python/runtime.py")), name.replace('-', "_")]
            }
        }
    }

    /// Returns the size of the function's package, zipped.
    pub(crate) async fn package_bytes(self, built: &Built, name: &str) -> Result<u64, Error> {
        let folder = prepared(built);
        let file = match self {
            // Without its byte code, which is beside it when it runs.
            Self::Python => folder.join("python.zip"),
            _ => {
                let zip = folder.join(format!("{name}.{}.zip", self.key()));
                let program = self.words(built, name).pop().ok_or("no program")?;
                let mut command = Command::new(python(built));
                command.args(["-m", "zipfile", "--create"]).args([&text(&zip), &program]);
                if !command.status().await?.success() {
                    return Err(format!("{program} was not zipped").into());
                }
                zip
            }
        };
        Ok(std::fs::metadata(file)?.len())
    }
}

fn python(built: &Built) -> String {
    text(&built.target.join("ci/alternatives/bin/python"))
}

/// Returns what the alternatives' processes have in their environment besides ours: the table, and whom to trust. That is
/// the proxy beside the certificates of the system, because their defaults read all of those.
pub(crate) fn environment(proxy: &Endpoint, table: &str) -> Result<Vec<(String, String)>, Error> {
    let mut trusted = std::fs::read_to_string(SYSTEM_CERTIFICATES).unwrap_or_default();
    trusted.push_str(&std::fs::read_to_string(&proxy.bundle)?);
    let bundle = format!("{}.all", proxy.bundle);
    std::fs::write(&bundle, trusted)?;
    let variables = [
        ("TABLE", table),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        // Each of these is the way of one language: Python, Rust, Node.js, which has the others compiled in.
        ("AWS_CA_BUNDLE", &bundle),
        ("SSL_CERT_FILE", &bundle),
        ("NODE_EXTRA_CA_CERTS", &proxy.bundle),
    ];
    Ok(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// Returns the versions of the interpreters.
pub(crate) async fn versions(built: &Built) -> Result<[String; 2], Error> {
    let mut versions = [python(built), text(&prepared(built).join("node/node"))];
    for version in &mut versions {
        let output = Command::new(&*version).arg("--version").output().await?;
        *version = String::from_utf8(output.stdout)?.trim().to_owned();
    }
    Ok(versions)
}
