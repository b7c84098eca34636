//! `template.yaml`: a head that is written by hand, and a resource for each function of the table.

use std::fmt::Write as _;

use crate::events;
use crate::{alarms, dashboard};
use trustplane_functions::{Function, Permission, Trigger, functions};

/// Parameters, rules, globals, and the resources that are not functions.
const HEAD: &str = include_str!("template/head.yaml");
/// Alarms that do not follow from the table of functions.
const ALARMS: &str = include_str!("template/alarms.yaml");
const OUTPUTS: &str = include_str!("template/outputs.yaml");

/// The state that a stack creates or is given by a parameter: marks of the template, and the expressions in their place.
const STATE: &[(&str, &str)] = &[
    ("{{archive-name}}", "!If [NewArchive, !Ref Archive, !Ref ExistingArchive]"),
    (
        "{{archive}}",
        "!Sub [\"arn:${AWS::Partition}:s3:::${name}\", {name: !If [NewArchive, !Ref Archive, !Ref ExistingArchive]}]",
    ),
    ("{{audit-dead-letters}}", "!GetAtt AuditDeadLetters.Arn"),
    ("{{bus}}", "!If [NewBus, !GetAtt Bus.Arn, !Ref ExistingBusArn]"),
    ("{{bus-name}}", "!If [NewBus, !Ref Bus, !Select [1, !Split [event-bus/, !Ref ExistingBusArn]]]"),
    ("{{dead-letters}}", "!GetAtt DeadLetters.Arn"),
    ("{{due-list}}", "!If [NewTable, !Sub \"${Table.Arn}/index/GSI1\", !Sub \"${ExistingTableArn}/index/GSI1\"]"),
    ("{{key}}", "!If [NewKey, !GetAtt Key.Arn, !Ref ExistingKeyArn]"),
    ("{{mac-key}}", "!If [NewMacKey, !GetAtt MacKey.Arn, !Ref ExistingMacKeyArn]"),
    ("{{signing-key}}", "!If [NewSigningKey, !GetAtt SigningKey.Arn, !Ref ExistingSigningKeyArn]"),
    ("{{stream}}", "!If [NewTable, !GetAtt Table.StreamArn, !Ref ExistingTableStreamArn]"),
    ("{{table}}", "!If [NewTable, !GetAtt Table.Arn, !Ref ExistingTableArn]"),
    ("{{table-name}}", "!If [NewTable, !Ref Table, !Select [1, !Split [/, !Ref ExistingTableArn]]]"),
];

/// Longest name of a Lambda function.
///
/// Source: "CreateFunction", AWS Lambda API Reference.
const FUNCTION_NAME: usize = 64;

/// Returns the template.
pub(crate) fn template() -> String {
    let mut text = HEAD.to_owned();
    text.push_str(&ALARMS.replace("{{receivers}}", alarms::RECEIVERS));
    text.push_str(&alarms::alarms());
    for function in functions() {
        resource(&mut text, function);
    }
    text.push_str(&dashboard::dashboard());
    text.push_str(OUTPUTS);
    for (mark, expression) in STATE {
        text = text.replace(mark, expression);
    }
    let text = text.replace("{{notices}}", &events::notices().join(", "));
    let text = text.replace("{{version}}", env!("CARGO_PKG_VERSION"));
    text.replace("{{longest-stack-name}}", &longest_stack_name().to_string())
}

/// Returns the length of the longest name of a stack, which a function's name begins with.
fn longest_stack_name() -> usize {
    let longest = functions().map(|function| function.name.len() + 1).max().unwrap_or_default();
    FUNCTION_NAME.saturating_sub(longest)
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
    if matches!(function.trigger, Trigger::Schedule(_) | Trigger::AuditStream) {
        text.push_str(RESERVED);
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
                "      Events:\n        Schedule:\n          Type: Schedule\n          Properties:\n            Schedule: {rate}\n            RetryPolicy:\n              MaximumRetryAttempts: 2\n            DeadLetterConfig:\n              Arn: {{{{dead-letters}}}}\n"
            );
        }
        Trigger::AuditStream => text.push_str(AUDIT_STREAM),
        Trigger::Bus => text.push_str(BUS),
    }
}

/// Once a day the function that a credential is used with notes the day, and may write nothing else by this.
const LAST_USE: &str = r#"            - Effect: Allow
              Action: dynamodb:UpdateItem
              Resource: {{table}}
              Condition:
                ForAllValues:StringEquals:
                  dynamodb:Attributes: [pk, sk, last_used_at]
"#;

/// IAM permission to record a denial, for functions that may deny a request and otherwise cannot write.
const DENIALS: &str = r#"            - Effect: Allow
              Action:
                - dynamodb:PutItem
                - dynamodb:UpdateItem
              Resource: {{table}}
              Condition:
                ForAllValues:StringLike:
                  dynamodb:LeadingKeys:
                    - TENANT#*#AUDIT
                    - TENANT#*#DENIALS
"#;

/// Requests cannot keep a function that has reserved concurrency from running.
const RESERVED: &str =
    "      ReservedConcurrentExecutions: !If [ReservesConcurrency, !Ref ReservedConcurrency, !Ref AWS::NoValue]\n";

/// A run that fails is tried twice more; what fails then is kept. The schedule's own retries are for runs that Lambda does
/// not take.
const FAILED_RUNS: &str = r#"      EventInvokeConfig:
        MaximumRetryAttempts: 2
        DestinationConfig:
          OnFailure:
            Type: SQS
            Destination: {{dead-letters}}
"#;

/// A batch that fails is brought again for as long as the stream holds it, which is a day: what is at fault then is the bus
/// or the table, and not the records, of which the function itself puts away those that cannot be read. After 23 hours
/// Lambda tells the queue where in the stream they are, while there is an hour left to fetch them.
const AUDIT_STREAM: &str = r#"      Events:
        Stream:
          Type: DynamoDB
          Properties:
            Stream: {{stream}}
            StartingPosition: TRIM_HORIZON
            BatchSize: 100
            MaximumBatchingWindowInSeconds: 1
            MaximumRetryAttempts: -1
            MaximumRecordAgeInSeconds: 82800
            MetricsConfig:
              Metrics:
                - EventCount
            BisectBatchOnFunctionError: true
            FunctionResponseTypes:
              - ReportBatchItemFailures
            FilterCriteria:
              Filters:
                - Pattern: '{"eventName":["INSERT"],"dynamodb":{"NewImage":{"entity":{"S":["audit-record"]}}}}'
            DestinationConfig:
              OnFailure:
                Type: SQS
                Destination: {{audit-dead-letters}}
"#;

/// Every event of the service. EventBridge's own retries are for events that Lambda does not take.
const BUS: &str = r#"      Events:
        Event:
          Type: EventBridgeRule
          Properties:
            EventBusName: {{bus-name}}
            Pattern:
              source: [trustplane]
            RetryPolicy:
              MaximumRetryAttempts: 185
            DeadLetterConfig:
              Arn: {{dead-letters}}
"#;

/// Named actions, on what they are needed for.
fn statement(one: Permission) -> &'static str {
    match one {
        Permission::Read => concat!(
            "            - Effect: Allow\n              Action: dynamodb:BatchGetItem\n",
            "              Resource: {{table}}\n",
        ),
        Permission::List => concat!(
            "            - Effect: Allow\n              Action: dynamodb:Query\n",
            "              Resource: {{table}}\n",
        ),
        Permission::Due => concat!(
            "            - Effect: Allow\n              Action: dynamodb:Query\n",
            "              Resource: {{due-list}}\n",
        ),
        Permission::Count => concat!(
            "            - Effect: Allow\n              Action: dynamodb:UpdateItem\n",
            "              Resource: {{table}}\n",
        ),
        Permission::Write => concat!(
            "            - Effect: Allow\n              Action:\n                - dynamodb:ConditionCheckItem\n",
            "                - dynamodb:DeleteItem\n                - dynamodb:PutItem\n",
            "              Resource: {{table}}\n",
        ),
        Permission::AssumeRole => concat!(
            "            - Effect: Allow\n              Action: sts:AssumeRole\n",
            "              Resource: !Sub \"arn:${AWS::Partition}:iam::*:role/*\"\n",
            "            - Effect: Deny\n              Action: sts:AssumeRole\n",
            "              Resource: !Sub \"arn:${AWS::Partition}:iam::${AWS::AccountId}:role/*\"\n",
        ),
        Permission::Seal => concat!(
            "            - Effect: Allow\n              Action:\n                - kms:Decrypt\n                - kms:Encrypt\n",
            "              Resource: {{key}}\n",
        ),
        Permission::Mac => concat!(
            "            - Effect: Allow\n              Action: kms:GenerateMac\n",
            "              Resource: {{mac-key}}\n",
        ),
        Permission::PublicKey => concat!(
            "            - Effect: Allow\n              Action: kms:GetPublicKey\n",
            "              Resource: {{signing-key}}\n",
        ),
        Permission::KeyPair => concat!(
            "            - Effect: Allow\n              Action: kms:GenerateDataKeyPair\n",
            "              Resource: {{key}}\n",
        ),
        Permission::PutEvents => concat!(
            "            - Effect: Allow\n              Action: events:PutEvents\n",
            "              Resource: {{bus}}\n",
        ),
        Permission::Inspect => concat!(
            "            - Effect: Allow\n              Action:\n                - dynamodb:DescribeContinuousBackups\n",
            "                - dynamodb:DescribeTable\n                - dynamodb:DescribeTimeToLive\n",
            "              Resource: {{table}}\n",
            "            - Effect: Allow\n              Action: kms:DescribeKey\n              Resource:\n",
            "                - {{key}}\n                - {{mac-key}}\n                - {{signing-key}}\n",
            "            - Effect: Allow\n              Action: events:DescribeEventBus\n              Resource: {{bus}}\n",
            "            - Effect: Allow\n              Action: sqs:GetQueueAttributes\n              Resource:\n",
            "                - {{audit-dead-letters}}\n                - {{dead-letters}}\n",
            "            - Effect: Allow\n              Action: s3:GetBucketObjectLockConfiguration\n",
            "              Resource: {{archive}}\n",
        ),
        Permission::ReadArchive => concat!(
            "            - Effect: Allow\n              Action: s3:ListBucketVersions\n",
            "              Resource: {{archive}}\n",
        ),
        Permission::WriteArchive => concat!(
            "            - Effect: Allow\n              Action: s3:PutObject\n",
            "              Resource: !Sub [\"${archive}/seals/*\", {archive: {{archive}}}]\n",
        ),
        Permission::DeadLetters => concat!(
            "            - Effect: Allow\n              Action: sqs:SendMessage\n",
            "              Resource: {{audit-dead-letters}}\n",
        ),
    }
}

/// `put-identity-center-config` is `PutIdentityCenterConfig`.
pub(crate) fn logical_id(name: &str) -> String {
    name.split('-')
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_ascii_uppercase().to_string()).unwrap_or_default() + letters.as_str()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_has_an_expression() {
        let text = template();
        assert!(!text.contains("{{"), "a mark is left in the template");
    }

    #[test]
    fn names_of_functions_leave_room_for_the_name_of_a_stack() {
        // A longer name of a function makes names of stacks invalid that are deployed.
        assert!(longest_stack_name() >= 24, "shorten the new function's name: {}", longest_stack_name());
    }
}
