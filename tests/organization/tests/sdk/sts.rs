use aws_sdk_sts::config::Credentials;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::RequestId;
use trustplane_organization::{
    INSTANCE_ARN, MANAGEMENT_ACCOUNT, OTHER_ROLE_ARN, PLATFORM_ACCOUNT, ROLE_ARN, Scenario, Service,
};

use crate::local::{As, EXTERNAL_ID, Local};

/// Assumes a role with an ExternalId. Returns the error's code and message, or the session's ARN.
async fn assume(local: &Local, role_arn: &str, external_id: Option<&str>) -> Result<String, (String, String)> {
    let client = local.sts(&As::platform());
    let request = client.assume_role().role_arn(role_arn).role_session_name("test");
    match request.set_external_id(external_id.map(Into::into)).send().await {
        Ok(output) => Ok(output.assumed_role_user().unwrap().arn().to_owned()),
        Err(error) => {
            assert!(error.request_id().is_some());
            assert!(matches!(error, SdkError::ServiceError(_)), "{error:?}");
            Err((error.code().unwrap().to_owned(), error.message().unwrap().to_owned()))
        }
    }
}

#[tokio::test]
async fn a_trusted_role_is_assumed() {
    let local = Local::start().await;
    let output = local
        .sts(&As::platform())
        .assume_role()
        .role_arn(ROLE_ARN)
        .role_session_name("test")
        .external_id(EXTERNAL_ID)
        .duration_seconds(900)
        .send()
        .await
        .unwrap();
    assert!(output.request_id().is_some());
    assert_eq!(
        output.assumed_role_user().unwrap().arn(),
        "arn:aws:sts::123456789012:assumed-role/JitsudoIdentityCenterRole/test"
    );
    let expires = output.credentials().unwrap().expiration().secs() - output_time();
    assert!((890..=900).contains(&expires), "{expires}");

    let identity = local.sts(&local.assume(ROLE_ARN).await).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some(MANAGEMENT_ACCOUNT));
    assert_eq!(identity.arn(), Some("arn:aws:sts::123456789012:assumed-role/JitsudoIdentityCenterRole/test"));
    assert!(identity.user_id().unwrap().starts_with("AROA") && identity.user_id().unwrap().ends_with(":test"));

    let calls = local.organization.calls();
    assert_eq!(local.called(), ["AssumeRole", "AssumeRole", "GetCallerIdentity"]);
    assert_eq!(calls[0].service, Service::Sts);
    assert_eq!(calls[0].account, PLATFORM_ACCOUNT);
    assert_eq!(calls[0].role_arn.as_deref(), Some(ROLE_ARN));
    assert_eq!(calls[0].external_id.as_deref(), Some(EXTERNAL_ID));
    assert_eq!(calls[2].account, MANAGEMENT_ACCOUNT);
    local.organization.clear_calls();
    assert!(local.called().is_empty());
}

fn output_time() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

#[tokio::test]
async fn every_denial_is_the_same() {
    let local = Local::start().await;
    local.organization.trust_role("arn:aws:iam::123456789012:role/TrustsNobody", &[]);
    let no_trust = Scenario::NoTrust.role_arn();
    for (role_arn, external_id) in [
        (ROLE_ARN, None),
        (ROLE_ARN, Some("another")),
        (ROLE_ARN, Some("0B9C2F3A-5D7E-4C1B-9A8F-6E5D4C3B2A10")),
        ("arn:aws:iam::123456789012:role/NoSuchRole", Some(EXTERNAL_ID)),
        ("arn:aws:iam::999999999999:role/NoSuchAccount", Some(EXTERNAL_ID)),
        ("arn:aws:iam::123456789012:role/TrustsNobody", Some(EXTERNAL_ID)),
        ("arn:aws:iam::123456789012:role/TrustsNobody", None),
        ("arn:aws:iam::123456789012:role/scenario/no-such-scenario", Some(EXTERNAL_ID)),
        (no_trust.as_str(), Some(EXTERNAL_ID)),
        (OTHER_ROLE_ARN, Some(EXTERNAL_ID)),
    ] {
        let (code, message) = assume(&local, role_arn, external_id).await.unwrap_err();
        assert_eq!(code, "AccessDenied", "{role_arn}");
        assert_eq!(
            message,
            format!(
                "User: arn:aws:sts::000000000000:assumed-role/trustplane-functions/local is not authorized to perform: \
                 sts:AssumeRole on resource: {role_arn}"
            )
        );
    }
    assert!(local.called().iter().all(|call| call == "AssumeRole: AccessDenied"));
}

#[tokio::test]
async fn external_ids_change_while_it_runs() {
    let local = Local::start().await;
    local.organization.trust_role(ROLE_ARN, &["old", "new"]);
    assert!(assume(&local, ROLE_ARN, Some("old")).await.is_ok());
    assert!(assume(&local, ROLE_ARN, Some("new")).await.is_ok());
    assert!(assume(&local, ROLE_ARN, Some(EXTERNAL_ID)).await.is_err());
    local.organization.trust_role(ROLE_ARN, &["new"]);
    assert!(assume(&local, ROLE_ARN, Some("old")).await.is_err());
    local.organization.remove_role(ROLE_ARN);
    assert!(assume(&local, ROLE_ARN, Some("new")).await.is_err());

    let healthy = Scenario::Healthy.role_arn();
    assert!(assume(&local, &healthy, Some(EXTERNAL_ID)).await.is_ok());
    assert!(assume(&local, &healthy, None).await.is_err());
    local.organization.distrust_external_id(EXTERNAL_ID);
    assert!(assume(&local, &healthy, Some(EXTERNAL_ID)).await.is_err());
}

#[tokio::test]
async fn parameters_are_validated() {
    let local = Local::start().await;
    let client = local.sts(&As::platform());
    let request = || client.assume_role().role_arn(ROLE_ARN).role_session_name("test").external_id(EXTERNAL_ID);
    for (request, part) in [
        (request().role_arn("short"), "'roleArn' failed to satisfy constraint: Member must have length greater"),
        (request().role_arn("arn:aws:iam::123456789012:user/Somebody"), "Request ARN is invalid"),
        (request().role_session_name("a b"), "Member must satisfy regular expression pattern: [\\w+=,.@-]*"),
        (request().role_session_name("a"), "length greater than or equal to 2"),
        (request().external_id("with space"), "pattern: [\\w+=,.@:\\/-]*"),
        (request().duration_seconds(899), "value greater than or equal to 900"),
        (request().duration_seconds(43_201), "value less than or equal to 43200"),
        (request().duration_seconds(3601), "role chaining"),
        (client.assume_role().role_arn(ROLE_ARN), "Value null at 'roleSessionName'"),
    ] {
        let error = request.send().await.unwrap_err();
        assert_eq!(error.code(), Some("ValidationError"), "{part}");
        assert!(error.message().unwrap().contains(part), "{:?} lacks {part}", error.message());
    }
    let error = request().policy("{}").send().await.unwrap_err();
    assert!(error.into_service_error().is_malformed_policy_document_exception());
    let error = client.get_session_token().send().await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidAction"));
}

#[tokio::test]
async fn sessions_end_and_their_signature_counts() {
    let local = Local::start().await;
    let ended = local.assume(ROLE_ARN).await;
    local.organization.expire_sessions();
    let error = local.sts(&ended).get_caller_identity().send().await.unwrap_err();
    assert_eq!(error.code(), Some("ExpiredToken"));
    let error = local.sso_admin(&ended).list_instances().send().await.unwrap_err();
    assert_eq!(error.code(), Some("ExpiredTokenException"));

    let output = local.sts(&As::platform()).assume_role().role_arn(ROLE_ARN).role_session_name("test");
    let output = output.external_id(EXTERNAL_ID).send().await.unwrap();
    let issued = output.credentials().unwrap();
    for (key, secret, token, sts_code, json_code) in [
        (
            issued.access_key_id(),
            "wrong",
            Some(issued.session_token()),
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
        ),
        (
            issued.access_key_id(),
            issued.secret_access_key(),
            None,
            "InvalidClientTokenId",
            "UnrecognizedClientException",
        ),
        (
            issued.access_key_id(),
            issued.secret_access_key(),
            Some("x"),
            "InvalidClientTokenId",
            "UnrecognizedClientException",
        ),
        (
            "ASIALOCAL00000000000",
            issued.secret_access_key(),
            None,
            "InvalidClientTokenId",
            "UnrecognizedClientException",
        ),
    ] {
        let caller = As::with(Credentials::new(key, secret, token.map(Into::into), None, "test"));
        let error = local.sts(&caller).get_caller_identity().send().await.unwrap_err();
        assert_eq!(error.code(), Some(sts_code));
        let error = local.organizations(&caller).describe_organization().send().await.unwrap_err();
        assert_eq!(error.code(), Some(json_code));
    }
}

#[tokio::test]
async fn a_session_policy_narrows() {
    let local = Local::start().await;
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sso:ListInstances","Resource":"*"}]}"#;
    let output = local.sts(&As::platform()).assume_role().role_arn(ROLE_ARN).role_session_name("test");
    let output = output.external_id(EXTERNAL_ID).policy(policy).send().await.unwrap();
    let issued = output.credentials().unwrap();
    let token = Some(issued.session_token().to_owned());
    let caller = As::with(Credentials::new(issued.access_key_id(), issued.secret_access_key(), token, None, "test"));
    assert_eq!(local.sso_admin(&caller).list_instances().send().await.unwrap().instances().len(), 1);
    let error = local.organizations(&caller).describe_organization().send().await.unwrap_err();
    assert!(
        error
            .message()
            .unwrap()
            .ends_with("because no session policy allows the organizations:DescribeOrganization action")
    );
}

#[tokio::test]
async fn what_is_not_signed_is_refused() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let local = Local::start().await;
    let send = async |head: &str, body: &str| {
        let address = local.url.trim_start_matches("http://");
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!("{head} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}", body.len());
        let head = head.replace(" | ", "\r\n");
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply
    };
    let action = "Action=GetCallerIdentity&Version=2011-06-15";
    let reply = send("POST /", action).await;
    assert!(reply.starts_with("HTTP/1.1 403") && reply.contains("<Code>MissingAuthenticationToken</Code>"), "{reply}");
    assert!(reply.contains("<RequestId>") && reply.contains("x-amzn-requestid: "), "{reply}");
    assert!(send("GET /", "").await.starts_with("HTTP/1.1 404"));
    assert!(send("POST /other", action).await.starts_with("HTTP/1.1 404"));
}

#[tokio::test]
async fn a_deployed_template_makes_its_role() {
    let local = Local::start().await;
    let template = format!(
        r#"
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: Reader
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {{AWS: arn:aws:iam::000000000000:root}}
            Action: sts:AssumeRole
            Condition: {{StringEquals: {{"sts:ExternalId": [{EXTERNAL_ID}]}}}}
      Policies:
        - PolicyName: read
          PolicyDocument:
            Version: "2012-10-17"
            Statement:
              - {{Effect: Allow, Action: sso:ListInstances, Resource: "*"}}
              - Effect: Allow
                Action: sso:ListPermissionSets
                Resource: arn:aws:sso:::instance/ssoins-0000000000000000
"#
    );
    let role_arn = local.organization.deploy_cloudformation(&template).unwrap();
    assert_eq!(role_arn, "arn:aws:iam::123456789012:role/Reader");
    assert!(assume(&local, &role_arn, None).await.is_err());
    let client = local.sso_admin(&local.assume(&role_arn).await);
    assert!(client.list_instances().send().await.is_ok());
    let error = client.list_permission_sets().instance_arn(INSTANCE_ARN).send().await.unwrap_err();
    assert!(
        error.message().unwrap().contains("because no identity-based policy allows the sso:ListPermissionSets action")
    );
    assert!(local.organization.deploy_cloudformation("Resources: {}").is_err());
}
