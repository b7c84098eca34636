use super::*;

const TEMPLATE: &str = r#"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 10
    MemorySize: 256
    Environment: {Variables: {TABLE: !Ref Table, KIND: global}}
Resources:
  Bus: {Type: AWS::Events::EventBus, Properties: {Name: !Sub '${AWS::StackName}-bus'}}
  Key: {Type: AWS::KMS::Key, Properties: {KeySpec: HMAC_256}}
  KeyAlias: {Type: AWS::KMS::Alias, Properties: {AliasName: alias/trustplane, TargetKeyId: !GetAtt Key.Arn}}
  Failed: {Type: AWS::SQS::Queue}
  Table:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: pk, AttributeType: S}]
      KeySchema: [{AttributeName: pk, KeyType: HASH}]
      StreamSpecification: {StreamViewType: NEW_AND_OLD_IMAGES}
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
      SSESpecification: {SSEEnabled: true}
  PutThing:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: put-thing}}
    Properties:
      FunctionName: !Sub '${AWS::StackName}-put-thing'
      Timeout: 5
      Environment: {Variables: {KIND: own, KEY: !GetAtt Key.Arn}}
      Events:
        Put: {Type: HttpApi, Properties: {Method: put, Path: '/things/{id}', TimeoutInMillis: 500}}
        Rest: {Type: HttpApi}
  ReadThings:
    Type: AWS::Serverless::Function
    Metadata: {BuildProperties: {Binary: read-things}}
    Properties:
      Events:
        Daily: {Type: Schedule, Properties: {Schedule: rate(1 day)}}
        Never: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 day), State: DISABLED}}
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 10
            MaximumRetryAttempts: 2
            BisectBatchOnFunctionError: true
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria: {Filters: [{Pattern: '{"eventName": ["INSERT"]}'}]}
            DestinationConfig: {OnFailure: {Destination: !GetAtt Failed.Arn}}
"#;

#[test]
fn reads_functions_and_their_events() {
    let template = Template::parse(TEMPLATE).unwrap();
    let put = template.function("put-thing").unwrap();
    assert_eq!(put.timeout, Duration::from_secs(5));
    assert_eq!(put.memory, 256);
    assert_eq!(put.environment["TABLE"], "trustplane-Table");
    assert_eq!(put.environment["KIND"], "own");
    assert_eq!(put.environment["KEY"], format!("arn:aws:kms:us-east-1:000000000000:key/{}", template.keys[0].id));
    assert_eq!(template.function("trustplane-put-thing").unwrap().name, "put-thing");
    assert_eq!(template.function("read-things").unwrap().timeout, Duration::from_secs(10));
    let routes: Vec<_> = template.routes.iter().map(|route| (route.method.as_str(), route.path.as_str())).collect();
    assert_eq!(routes, [("PUT", "/things/{id}"), ("ANY", "$default")]);
    assert_eq!(template.routes[0].timeout, Duration::from_millis(500));
    assert_eq!(template.keys[0].spec, "HMAC_256");
    assert_eq!(template.aliases, [("trustplane".to_owned(), template.keys[0].id.clone())]);
    assert_eq!(template.buses, ["trustplane-bus"]);
    assert_eq!(template.schedules.len(), 1);
    let stream = &template.streams[0];
    assert_eq!((stream.table.as_str(), stream.batch_size, stream.retries), ("trustplane-Table", 10, Some(2)));
    assert!(stream.bisect && stream.reports_item_failures && stream.from_start);
    assert_eq!(stream.max_age, None);
    assert_eq!(stream.on_failure.as_deref(), Some("arn:aws:sqs:us-east-1:000000000000:trustplane-Failed"));
    let table = &template.tables[0];
    assert_eq!(table.ttl_attribute.as_deref(), Some("expires_at"));
    assert_eq!(table.create["StreamSpecification"]["StreamEnabled"], true);
    assert!(table.create.get("SSESpecification").is_none());
}

#[test]
fn an_error_names_the_place() {
    for (from, to, named) in [
        ("KEY: !GetAtt Key.Arn", "KEY: !GetAtt Key.Colour", "resource `PutThing`: variable `KEY`: attribute `Colour`"),
        ("Type: HttpApi}", "Type: S3}", "resource `PutThing`: event `Rest`: type `S3`"),
        ("{Binary: read-things}", "{}", "resource `ReadThings`: `Metadata.BuildProperties.Binary`"),
        ("{Binary: read-things}", "{Binary: put-thing}", "binary `put-thing`"),
    ] {
        let error = Template::parse(&TEMPLATE.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(named), "{error}");
    }
}
