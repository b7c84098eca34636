use super::*;
use crate::iam::{Decision, Request};

const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Description: A role
Parameters:
  ExternalIds: {Type: CommaDelimitedList, Default: "one, two"}
  PlatformAccount: {Type: String, Default: "000000000000"}
  Name: {Type: String, Default: ""}
Conditions:
  IsNamed: !Not [!Equals [!Ref Name, ""]]
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !If [IsNamed, !Ref Name, !Ref AWS::NoValue]
      Path: /integration/
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {AWS: !Sub "arn:${AWS::Partition}:iam::${PlatformAccount}:root"}
            Action: sts:AssumeRole
            Condition: {StringEquals: {"sts:ExternalId": !Ref ExternalIds}}
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: 2012-10-17
            Statement:
              - Effect: Allow
                Action: [sso:DescribeInstance]
                Resource: !Join ["", ["arn:", !Ref AWS::Partition, ":sso:::instance/*"]]
Outputs:
  RoleArn: {Value: !GetAtt Role.Arn}
"#;

fn trusts(role: &Role, external_id: &str) -> bool {
    let context = [("sts:externalid", external_id.to_owned())];
    let request =
        Request { action: "sts:AssumeRole", resource: "", account: "000000000000", arns: &[], context: &context };
    role.trust.decide(&request) == Decision::Allowed
}

#[test]
fn makes_the_role_that_it_describes() {
    let (arn, role) = make("123456789012", &[], TEMPLATE).unwrap();
    assert_eq!(arn, "arn:aws:iam::123456789012:role/integration/trustplane-Role-1A2B3C4D5E6F");
    assert!(trusts(&role, "one") && trusts(&role, "two") && !trusts(&role, "one, two"));
    let ask = |action, resource| {
        role.permissions[0].decide(&Request { action, resource, account: "123456789012", arns: &[], context: &[] })
    };
    assert_eq!(ask("sso:DescribeInstance", "arn:aws:sso:::instance/x"), Decision::Allowed);
    assert_eq!(ask("sso:DescribeInstance", "*"), Decision::NotAllowed);
    assert_eq!(ask("sso:ListInstances", "*"), Decision::NotAllowed);

    let given = [("Name", "Reader"), ("ExternalIds", "three")];
    let (arn, role) = make("123456789012", &given, TEMPLATE).unwrap();
    assert_eq!(arn, "arn:aws:iam::123456789012:role/integration/Reader");
    assert!(trusts(&role, "three") && !trusts(&role, "one"));
}

#[test]
fn refuses_what_aws_refuses_and_what_it_does_not_understand() {
    for (from, to, part) in [
        ("2010-09-09", "2020-01-01", "format version"),
        ("AWS::IAM::Role\n", "AWS::IAM::User\n", "AWS::IAM::User"),
        ("!GetAtt Role.Arn", "!GetAtt Role.Name", "Role.Name"),
        ("!Ref ExternalIds", "!Ref Missing", "`Missing`"),
        ("!Ref ExternalIds", "!ImportValue x", "Fn::ImportValue"),
        ("Path: /integration/", "Path: integration", "slash"),
        ("Path: /integration/", "ManagedPolicyArns: x", "ManagedPolicyArns"),
        ("Path: /integration/", "Description: \"a role — ours\"", "Description"),
        ("Path: /integration/", "MaxSessionDuration: 900", "MaxSessionDuration"),
        (
            "            Principal: {AWS: !Sub \"arn:${AWS::Partition}:iam::${PlatformAccount}:root\"}\n",
            "",
            "principals",
        ),
        ("${PlatformAccount}", "${PlatformAccount", "does not end"),
        (", Default: \"000000000000\"", "", "must have a value"),
        ("Action: sts:AssumeRole", "Action: sts:AssumeRole\n            Resource: \"*\"", "no resources"),
        (
            "                Resource: !Join [\"\", [\"arn:\", !Ref AWS::Partition, \":sso:::instance/*\"]]\n",
            "",
            "resources",
        ),
        ("Outputs:", "Mappings: {}\nOutputs:", "Mappings"),
        ("StringEquals", "StringMatches", "StringMatches"),
        ("sts:ExternalId", "sts:ExternalID2", "sts:externalid2"),
    ] {
        assert!(TEMPLATE.contains(from), "{from}");
        let error = make("123456789012", &[], &TEMPLATE.replace(from, to)).unwrap_err();
        assert!(error.contains(part), "{to}: {error}");
    }
    let circle = TEMPLATE.replace("!Not [!Equals [!Ref Name, \"\"]]", "!Not [!Condition IsNamed]");
    let error = make("123456789012", &[], &circle).unwrap_err();
    assert!(error.contains("depends on itself"), "{error}");
    assert!(make("123456789012", &[("Nothing", "x")], TEMPLATE).unwrap_err().contains("`Nothing`"));
    assert!(make("123456789012", &[("Name", "a b")], TEMPLATE).unwrap_err().contains("role's ARN"));
    assert!(make("123456789012", &[], "Resources: {}").unwrap_err().contains("no role"));
}
