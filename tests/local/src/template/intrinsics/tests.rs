use super::*;

fn resolve(document: &str, expression: &str) -> Result<Value, Error> {
    let document = long_form(serde_yaml_ng::from_str(document).unwrap())?;
    let expression = long_form(serde_yaml_ng::from_str(expression).unwrap())?;
    Resolver::new(&document).resolve(&expression)
}

const DOCUMENT: &str = "
Parameters:
  Stage: {Type: String, Default: prod}
  Days: {Type: Number, Default: 90}
  Zones: {Type: CommaDelimitedList, Default: 'a, b'}
  Secret: {Type: String}
Mappings: {Size: {prod: {memory: 256}}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  Other: !Not [{Condition: IsProd}]
Resources:
  Table: {Type: 'AWS::DynamoDB::Table', Properties: {TableName: !Sub '${AWS::StackName}-${Stage}'}}
  Key: {Type: 'AWS::KMS::Key'}
  Queue: {Type: 'AWS::SQS::Queue'}
  Loop: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !Ref Loop}}
";

#[test]
fn resolves_what_environment_variables_use() {
    for (expression, expected) in [
        ("!Ref Stage", json!("prod")),
        ("!Ref Days", json!("90")),
        ("!Ref Zones", json!(["a", "b"])),
        ("{Ref: AWS::AccountId}", json!("000000000000")),
        ("!Ref Table", json!("trustplane-prod")),
        ("!GetAtt Table.Arn", json!("arn:aws:dynamodb:us-east-1:000000000000:table/trustplane-prod")),
        ("{'Fn::GetAtt': [Table, Arn]}", json!("arn:aws:dynamodb:us-east-1:000000000000:table/trustplane-prod")),
        ("!Ref Queue", json!("https://sqs.us-east-1.amazonaws.com/000000000000/trustplane-Queue")),
        ("!Sub 'x-${!Kept}-${Table}-${Queue.QueueName}'", json!("x-${Kept}-trustplane-prod-trustplane-Queue")),
        ("!Sub ['${a}/${AWS::Region}', {a: !Ref Stage}]", json!("prod/us-east-1")),
        ("!Join ['-', [a, !Ref Stage]]", json!("a-prod")),
        ("!Select [1, !Split ['/', a/b/c]]", json!("b")),
        ("!FindInMap [Size, !Ref Stage, memory]", json!(256)),
        ("!If [IsProd, yes it is, no]", json!("yes it is")),
        ("{a: !If [Other, 1, !Ref 'AWS::NoValue'], b: 2}", json!({"b": 2})),
        ("!Base64 hello", json!("aGVsbG8=")),
    ] {
        assert_eq!(resolve(DOCUMENT, expression).unwrap(), expected, "{expression}");
    }
    assert_eq!(resolve(DOCUMENT, "!Ref Key").unwrap(), resolve(DOCUMENT, "!GetAtt Key.KeyId").unwrap());
}

#[test]
fn names_what_it_cannot_resolve() {
    for (expression, named) in [
        ("!Ref Secret", "`Secret`"),
        ("!Ref Nothing", "`Nothing`"),
        ("!GetAtt Table.Colour", "`Colour`"),
        ("!ImportValue other-stack", "Fn::ImportValue"),
        ("!Sub '${Table'", "open"),
        ("!Ref Loop", "refers to itself"),
    ] {
        let error = resolve(DOCUMENT, expression).unwrap_err().to_string();
        assert!(error.contains(named), "{expression}: {error}");
    }
}
