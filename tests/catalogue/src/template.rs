//! `template.yaml`: a head that is written by hand, and a resource for each function of the table.

use std::fmt::Write as _;

use trustplane_functions::{Function, Permission, Trigger, functions};

const HEAD: &str = include_str!("template.head.yaml");

/// The template.
pub(crate) fn template() -> String {
    let mut text = HEAD.to_owned();
    for function in functions() {
        resource(&mut text, function);
    }
    text
}

fn resource(text: &mut String, function: &Function) {
    let name = function.name;
    let _ = write!(
        text,
        r#"
  {logical}:
    Type: AWS::Serverless::Function
    Metadata:
      BuildMethod: rust-cargolambda
      BuildProperties:
        Binary: {name}
    Properties:
      FunctionName: !Sub "${{AWS::StackName}}-{name}"
      Description: {summary}
"#,
        logical = logical_id(name),
        summary = serde_json::Value::from(function.summary),
    );
    if matches!(function.trigger, Trigger::Schedule(_) | Trigger::AuditStream | Trigger::Bus) {
        text.push_str("      Timeout: 120\n");
    }
    if matches!(function.trigger, Trigger::Schedule(_) | Trigger::Bus) {
        text.push_str(FAILED_RUNS);
    }
    let decides = matches!(&function.trigger, Trigger::Http(route) if route.action.is_some());
    if decides || !function.permissions.is_empty() {
        text.push_str("      Policies:\n        - Version: \"2012-10-17\"\n          Statement:\n");
        for one in function.all_permissions() {
            text.push_str(statement(one));
        }
        if decides {
            text.push_str(DENIALS);
            text.push_str(LAST_USE);
        }
    }
    match &function.trigger {
        Trigger::Http(route) => {
            let _ = write!(
                text,
                "      Events:\n        Http:\n          Type: HttpApi\n          Properties:\n            ApiId: !Ref Api\n            Method: {}\n            Path: {}\n",
                route.method, route.path
            );
        }
        Trigger::Unmatched => text.push_str(
            "      Events:\n        Http:\n          Type: HttpApi\n          Properties:\n            ApiId: !Ref Api\n            Method: ANY\n            Path: $default\n",
        ),
        Trigger::Operator => {}
        Trigger::Schedule(rate) => {
            let _ = write!(
                text,
                "      Events:\n        Schedule:\n          Type: Schedule\n          Properties:\n            Schedule: {rate}\n            RetryPolicy:\n              MaximumRetryAttempts: 2\n            DeadLetterConfig:\n              Arn: !GetAtt DeadLetters.Arn\n"
            );
        }
        Trigger::AuditStream => text.push_str(AUDIT_STREAM),
        Trigger::Bus => text.push_str(BUS),
    }
}

/// Once a day the function that a credential is used with notes the day, and may write nothing else by this.
const LAST_USE: &str = r#"            - Effect: Allow
              Action: dynamodb:UpdateItem
              Resource: !GetAtt Table.Arn
              Condition:
                ForAllValues:StringEquals:
                  dynamodb:Attributes: [pk, sk, last_used_at]
"#;

/// IAM permission to record a denial, for functions that may deny a request and otherwise cannot write.
const DENIALS: &str = r#"            - Effect: Allow
              Action:
                - dynamodb:PutItem
                - dynamodb:UpdateItem
              Resource: !GetAtt Table.Arn
              Condition:
                ForAllValues:StringLike:
                  dynamodb:LeadingKeys:
                    - TENANT#*#AUDIT
                    - TENANT#*#DENIALS
"#;

/// A run that fails is tried twice more; what fails then is kept. The schedule's own retries are for runs that Lambda does
/// not take.
const FAILED_RUNS: &str = r#"      EventInvokeConfig:
        MaximumRetryAttempts: 2
        DestinationConfig:
          OnFailure:
            Type: SQS
            Destination: !GetAtt DeadLetters.Arn
"#;

/// A batch that fails is brought again for as long as the stream holds it, which is a day: what is at fault then is the bus
/// or the table, and not the records, of which the function itself puts away those that cannot be read. After 23 hours
/// Lambda tells the queue where in the stream they are, while there is an hour left to fetch them.
const AUDIT_STREAM: &str = r#"      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Table.StreamArn
            StartingPosition: TRIM_HORIZON
            BatchSize: 10
            MaximumBatchingWindowInSeconds: 1
            MaximumRetryAttempts: -1
            MaximumRecordAgeInSeconds: 82800
            BisectBatchOnFunctionError: true
            FunctionResponseTypes:
              - ReportBatchItemFailures
            FilterCriteria:
              Filters:
                - Pattern: '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"entity":{"S":["audit-record"]}}}}'
            DestinationConfig:
              OnFailure:
                Type: SQS
                Destination: !GetAtt DeadLetters.Arn
"#;

/// Every event of the service. EventBridge's own retries are for events that Lambda does not take.
const BUS: &str = r#"      Events:
        Event:
          Type: EventBridgeRule
          Properties:
            EventBusName: !Ref Bus
            Pattern:
              source: [trustplane]
            RetryPolicy:
              MaximumRetryAttempts: 185
            DeadLetterConfig:
              Arn: !GetAtt DeadLetters.Arn
"#;

/// Named actions, on what they are needed for.
fn statement(one: Permission) -> &'static str {
    match one {
        Permission::Read => concat!(
            "            - Effect: Allow\n              Action: dynamodb:BatchGetItem\n",
            "              Resource: !GetAtt Table.Arn\n",
        ),
        Permission::List => concat!(
            "            - Effect: Allow\n              Action: dynamodb:Query\n",
            "              Resource: !GetAtt Table.Arn\n",
        ),
        Permission::Due => concat!(
            "            - Effect: Allow\n              Action: dynamodb:Query\n",
            "              Resource: !Sub \"${Table.Arn}/index/GSI1\"\n",
        ),
        Permission::Count => concat!(
            "            - Effect: Allow\n              Action: dynamodb:UpdateItem\n",
            "              Resource: !GetAtt Table.Arn\n",
        ),
        Permission::Write => concat!(
            "            - Effect: Allow\n              Action:\n                - dynamodb:ConditionCheckItem\n",
            "                - dynamodb:DeleteItem\n                - dynamodb:PutItem\n",
            "              Resource: !GetAtt Table.Arn\n",
        ),
        Permission::AssumeRole => concat!(
            "            - Effect: Allow\n              Action: sts:AssumeRole\n",
            "              Resource: !Sub \"arn:${AWS::Partition}:iam::*:role/*\"\n",
            "            - Effect: Deny\n              Action: sts:AssumeRole\n",
            "              Resource: !Sub \"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*\"\n",
        ),
        Permission::Seal => concat!(
            "            - Effect: Allow\n              Action:\n                - kms:Decrypt\n                - kms:Encrypt\n",
            "              Resource: !GetAtt Key.Arn\n",
        ),
        Permission::Mac => concat!(
            "            - Effect: Allow\n              Action: kms:GenerateMac\n",
            "              Resource: !GetAtt MacKey.Arn\n",
        ),
        Permission::PublicKey => concat!(
            "            - Effect: Allow\n              Action: kms:GetPublicKey\n",
            "              Resource: !GetAtt SigningKey.Arn\n",
        ),
        Permission::KeyPair => concat!(
            "            - Effect: Allow\n              Action: kms:GenerateDataKeyPair\n",
            "              Resource: !GetAtt Key.Arn\n",
        ),
        Permission::PutEvents => concat!(
            "            - Effect: Allow\n              Action: events:PutEvents\n",
            "              Resource: !GetAtt Bus.Arn\n",
        ),
        Permission::DeadLetters => concat!(
            "            - Effect: Allow\n              Action: sqs:SendMessage\n",
            "              Resource: !GetAtt DeadLetters.Arn\n",
        ),
    }
}

/// `put-identity-center-config` is `PutIdentityCenterConfig`.
fn logical_id(name: &str) -> String {
    name.split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default() + letters.as_str()
        })
        .collect()
}
