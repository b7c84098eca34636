//! The alternatives' own table in the engine.

use serde_json::{Map, Value, json};
use trustplane_local::engine::call;

use crate::Error;

const NAME: &str = "alternatives";

pub(crate) struct Table {
    endpoint: String,
}

impl Table {
    /// Creates it. The keys are `pk` and `sk`.
    pub(crate) async fn create(endpoint: &str) -> Result<Self, Error> {
        let table = Self { endpoint: endpoint.to_owned() };
        let key = |name, kind| json!({"AttributeName": name, "KeyType": kind});
        let attribute = |name| json!({"AttributeName": name, "AttributeType": "S"});
        let definition = json!({
            "TableName": NAME,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
            "AttributeDefinitions": [attribute("pk"), attribute("sk")],
        });
        table.call("CreateTable", &definition).await?;
        Ok(table)
    }

    pub(crate) fn name(&self) -> &'static str {
        NAME
    }

    /// Writes an item, in place of one with its key.
    pub(crate) async fn put(&self, pk: &str, sk: &str, item: &Value) -> Result<(), Error> {
        let mut attributes: Map<String, Value> =
            item.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), attribute(value))).collect();
        attributes.insert("pk".to_owned(), json!({"S": pk}));
        attributes.insert("sk".to_owned(), json!({"S": sk}));
        self.call("PutItem", &json!({"TableName": NAME, "Item": attributes})).await
    }

    async fn call(&self, operation: &str, arguments: &Value) -> Result<(), Error> {
        let called = call(&self.endpoint, &format!("DynamoDB_20120810.{operation}"), arguments).await;
        called.map(drop).map_err(|failure| failure.to_string().into())
    }
}

/// Returns the attribute of a value.
fn attribute(value: &Value) -> Value {
    match value {
        Value::Null => json!({"NULL": true}),
        Value::Bool(value) => json!({"BOOL": value}),
        Value::Number(value) => json!({"N": value.to_string()}),
        Value::String(value) => json!({"S": value}),
        Value::Array(values) => json!({"L": values.iter().map(attribute).collect::<Vec<_>>()}),
        Value::Object(fields) => {
            let fields: Map<_, _> = fields.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
            json!({"M": fields})
        }
    }
}
