//! The file for `--env-vars` of `sam local`, with which functions in containers reach this stack.

use crate::{Error, template::Template};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

/// Name of the file in the data folder.
pub const FILE: &str = "sam-env.json";

/// Writes the file. SAM passes only variables that the template declares, and does not resolve references to resources.
/// So the file has all variables of the template, with the values that functions of this stack have.
pub(crate) fn write(
    path: &Path,
    template: &Template,
    endpoint: &str,
    environment: &BTreeMap<String, String>,
) -> Result<(), Error> {
    let failed = |error| Error::while_doing(format!("`{}`", path.display()), error);
    // A reader never sees a part of the file.
    let new = path.with_extension("new");
    let text = format!("{:#}\n", variables(template, endpoint, environment));
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).map_err(failed)
}

/// Returns the file's content: the variables that are declared, for all functions together.
fn variables(template: &Template, endpoint: &str, environment: &BTreeMap<String, String>) -> Value {
    let mut variables = BTreeMap::new();
    for function in template.functions.values() {
        for (name, declared) in &function.environment {
            let value = environment.get(name).unwrap_or(declared);
            variables.insert(name.as_str(), value.as_str());
        }
    }
    variables.insert("TRUSTPLANE_ENDPOINT_URL", endpoint);
    json!({ "Parameters": variables })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_the_declared_variables_and_the_endpoint() {
        let template = Template::parse(
            "
Globals: {Function: {Environment: {Variables: {TABLE: !Ref Table, TRUSTPLANE_ENDPOINT_URL: '', DNS: ''}}}}
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {}}
  Get: {Type: AWS::Serverless::Function, Metadata: {BuildProperties: {Binary: get}}, Properties: {}}
",
        )
        .unwrap();
        let environment = [("DNS", "127.0.0.1:53"), ("UNDECLARED", "x")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(
            variables(&template, "http://127.0.0.1:1", &environment),
            json!({ "Parameters": {
                "DNS": "127.0.0.1:53",
                "TABLE": "trustplane-Table",
                "TRUSTPLANE_ENDPOINT_URL": "http://127.0.0.1:1",
            } })
        );
    }
}
