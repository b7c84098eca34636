//! The command line of `cargo local`.

use crate::{Clock, Options, binaries, binaries::Profile, logs::Show};
use std::path::PathBuf;
use trustplane_organization::Scenario;

/// Output of `--help`.
pub const HELP: &str = "\
Runs Trustplane on this machine: the deployed functions, a table, and a customer's AWS organization.

Usage: cargo local [OPTIONS]

  --port N                 Port of the API; 0 selects a free one [default: 3000]
  --idp-port N             Port of the demonstration identity provider [default: 443 above the API's, or a free one]
  --data DIR               Data folder [default: target/local]
  --json                   Prints one line of JSON instead of the greeting when ready
  --release                Builds the functions with the profile of deployed functions
  --clock DATE             Time for schedules: a date, or an RFC 3339 time. Schedules also run once at the start
  --aws-endpoint URL       Endpoint of STS, SSO Admin, Organizations and KMS instead of the local organization
  --dynamodb-endpoint URL  Endpoint of DynamoDB instead of the embedded engine
  --dns-server ADDR        DNS server of the functions, as 192.0.2.53 or 127.0.0.1:5353 [default: a local one with the
                           TXT records of dns.txt in the data folder, one per line: `NAME TEXT`]
  --emit FILE              Puts the event of a file, an object with `detail-type` and `detail`, on the bus
  --verbose                Shows all output of the functions, not only warnings and errors
  --scenarios              Lists roles that make a connection fail, each in its own way; save one and test the connection
  --help                   Prints this help

Ctrl-C stops it.
";

/// A parsed command line.
#[derive(Debug)]
pub enum Command {
    /// Starts the stack.
    Run {
        /// Options of the stack.
        options: Box<Options>,
        /// True if the ready message is JSON.
        json: bool,
        /// Files of events to put on the bus.
        emit: Vec<PathBuf>,
    },
    /// Prints [`HELP`].
    Help,
    /// Prints [`scenarios`].
    Scenarios,
}

impl Command {
    /// Parses the arguments after the program's name. The error is one line for the user.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut options = Options {
            port: 3000,
            data: Some(binaries::target().join("local")),
            show: Show::Warnings,
            streams: true,
            receiver: true,
            ..Options::default()
        };
        let (mut json, mut emit) = (false, Vec::new());
        let mut idp_port = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (name, inline) = match argument.split_once('=') {
                Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let mut value = || {
                let value = inline.clone().or_else(|| arguments.next()).filter(|value| !value.is_empty());
                value.ok_or_else(|| format!("option `{name}` needs a value"))
            };
            match name.as_str() {
                "--help" | "-h" | "--json" | "--release" | "--scenarios" | "--verbose" if inline.is_some() => {
                    return Err(format!("option `{name}` takes no value"));
                }
                "--help" | "-h" => return Ok(Self::Help),
                "--scenarios" => return Ok(Self::Scenarios),
                "--json" => json = true,
                "--release" => options.profile = Profile::Release,
                "--verbose" => options.show = Show::Everything,
                "--port" => {
                    let value = value()?;
                    options.port = value.parse().map_err(|_| format!("`{value}` is not a port"))?;
                }
                "--idp-port" => {
                    let value = value()?;
                    idp_port = Some(value.parse().map_err(|_| format!("`{value}` is not a port"))?);
                }
                "--emit" => emit.push(PathBuf::from(value()?)),
                "--data" => options.data = Some(PathBuf::from(value()?)),
                "--aws-endpoint" => options.aws_endpoint = Some(endpoint(value()?)?),
                "--dynamodb-endpoint" => options.dynamodb_endpoint = Some(endpoint(value()?)?),
                "--clock" => options.clock = Clock::parse(&value()?).map_err(|error| error.to_string())?,
                "--dns-server" => {
                    let server = value()?;
                    if server.parse::<std::net::SocketAddr>().is_err() && server.parse::<std::net::IpAddr>().is_err() {
                        return Err(format!("`{server}` is not an IP address, with or without a port"));
                    }
                    options.environment.insert("TRUSTPLANE_DNS_SERVER".to_owned(), server);
                }
                _ if name.starts_with('-') => return Err(format!("unknown option `{name}`: see `--help`")),
                _ => return Err(format!("`{name}` is not expected here")),
            }
        }
        let free_or_near = if options.port == 0 { 0 } else { options.port.saturating_add(443) };
        options.identity_provider = Some(idp_port.unwrap_or(free_or_near));
        Ok(Self::Run { options: Box::new(options), json, emit })
    }
}

/// Output of `--scenarios`: the roles of the local organization, each of which fails in its own way.
pub fn scenarios() -> String {
    let rows =
        Scenario::catalogue().into_iter().map(|(scenario, about)| format!("{:<64} {about}\n", scenario.role_arn()));
    format!(
        "Save one of these as the connection's `role_arn`, then test it with POST \
         /v1/integrations/aws-identity-center/test, or read the organization with POST /v1/aws/sync:\n\n{}",
        rows.collect::<String>()
    )
}

fn endpoint(url: String) -> Result<String, String> {
    match url.parse::<axum::http::Uri>() {
        Ok(uri) if uri.scheme_str() == Some("http") && uri.host().is_some() => Ok(url.trim_end_matches('/').to_owned()),
        _ => Err(format!("`{url}` is not an `http://` URL")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, String> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    fn run(line: &str) -> (Options, bool) {
        match parse(line).unwrap() {
            Command::Run { options, json, .. } => (*options, json),
            Command::Help | Command::Scenarios => panic!("{line} does not run"),
        }
    }

    #[test]
    fn options_are_taken_either_way() {
        let (options, json) = run("");
        assert_eq!((options.port, json, options.profile, options.show), (3000, false, Profile::Dev, Show::Warnings));
        assert!(options.data.unwrap().ends_with("local"));
        let line = "--port 0 --data=/tmp/x --json --release --verbose --aws-endpoint http://localhost:1/ \
                    --dynamodb-endpoint=http://127.0.0.1:8000 --dns-server 127.0.0.1:5353 --clock 2031-05-06";
        let (options, json) = run(line);
        assert_eq!((options.port, json, options.profile, options.show), (0, true, Profile::Release, Show::Everything));
        assert_eq!(options.data, Some(PathBuf::from("/tmp/x")));
        assert_eq!(options.aws_endpoint.as_deref(), Some("http://localhost:1"));
        assert_eq!(options.dynamodb_endpoint.as_deref(), Some("http://127.0.0.1:8000"));
        assert_eq!(options.environment["TRUSTPLANE_DNS_SERVER"], "127.0.0.1:5353");
        assert_eq!(options.clock.now().year(), 2031);
        assert_eq!(options.identity_provider, Some(0));
        assert_eq!(run("--port 3001").0.identity_provider, Some(3444));
        assert_eq!(run("--idp-port 9443").0.identity_provider, Some(9443));
        assert!(matches!(parse("--json --help --oops"), Ok(Command::Help)));
        assert!(matches!(parse("--scenarios"), Ok(Command::Scenarios)));
        assert!(scenarios().contains("arn:aws:iam::123456789012:role/scenario/wrong-region "));
        assert_eq!(scenarios().lines().count(), Scenario::catalogue().len() + 2);
    }

    #[test]
    fn mistakes_are_named() {
        for (line, named) in [
            ("--prot 1", "unknown option `--prot`"),
            ("3000", "`3000` is not expected"),
            ("--port", "`--port` needs a value"),
            ("--emit", "`--emit` needs a value"),
            ("--port 70000", "`70000` is not a port"),
            ("--json=yes", "`--json` takes no value"),
            ("--data=", "`--data` needs a value"),
            ("--clock soon", "`soon` is neither a date"),
            ("--aws-endpoint localhost:1", "`localhost:1` is not an `http://` URL"),
            ("--dns-server dns.example.com", "`dns.example.com` is not an IP address"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}
