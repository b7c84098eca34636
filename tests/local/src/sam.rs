//! The file for `--env-vars` of `sam local`, with which functions in containers reach this stack.

use crate::{Error, template::Template};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// Name of the file in the data folder.
pub const FILE: &str = "sam-env.json";

/// The name of this machine in containers. `sam local` needs `--add-host` for it, but for Docker on a Mac.
const HOST: &str = "host.docker.internal";

/// Options of `sam local`, without the path of the file.
pub const OPTIONS: &str = "--add-host host.docker.internal:host-gateway --env-vars";

/// Writes the file. SAM passes only variables that the template declares, and does not resolve references to resources.
/// So the file has all variables of the template, with the values that functions of this stack have.
pub(crate) fn write(
    path: &Path,
    template: &Template,
    port: u16,
    environment: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let failed = |error| Error::while_doing(format!("`{}`", path.display()), error);
    // A reader never sees a part of the file.
    let new = path.with_extension("new");
    let text = format!("{:#}\n", variables(template, port, environment));
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).map_err(failed)
}

/// Returns the file's content: the variables that are declared, for all functions together.
///
/// The DNS server of the stack is on an address that containers do not reach: they ask their own.
fn variables(template: &Template, port: u16, environment: &BTreeMap<String, String>) -> Value {
    let endpoint = format!("http://{HOST}:{port}");
    let mut variables = BTreeMap::new();
    for function in template.functions.values() {
        for (name, declared) in &function.environment {
            let value = environment.get(name).unwrap_or(declared);
            variables.insert(name.as_str(), value.as_str());
        }
    }
    variables.insert("TRUSTPLANE_ENDPOINT_URL", &endpoint);
    variables.insert("TRUSTPLANE_DNS_SERVER", "");
    json!({ "Parameters": variables })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_declared_variables_and_the_endpoint() {
        let template = Template::parse(
            "
Globals: {Function: {Environment: {Variables: {TABLE: !Ref Table, TRUSTPLANE_ENDPOINT_URL: '', STAGE: ''}}}}
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {}}
  Get: {Type: AWS::Serverless::Function, Metadata: {BuildProperties: {Binary: get}}, Properties: {}}
",
        )
        .unwrap();
        let environment = [("STAGE", "local"), ("TRUSTPLANE_DNS_SERVER", "127.0.0.1:53"), ("UNDECLARED", "x")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(
            variables(&template, 7, &environment),
            json!({ "Parameters": {
                "STAGE": "local",
                "TABLE": "trustplane-Table",
                "TRUSTPLANE_DNS_SERVER": "",
                "TRUSTPLANE_ENDPOINT_URL": "http://host.docker.internal:7",
            } })
        );
    }
}
