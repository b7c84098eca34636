//! Checks that the manual of operators has a section for each alarm and a row for each parameter of the template, and no others.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeSet;

use trustplane_catalogue::root;

#[test]
fn each_alarm_has_a_section_and_each_section_an_alarm() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let mut named = BTreeSet::new();
    let alarms = template.split("    Type: AWS::CloudWatch::Alarm\n").skip(1);
    let mut count = 0;
    for alarm in alarms {
        let description = alarm.lines().find_map(|line| line.trim().strip_prefix("AlarmDescription: ")).unwrap();
        let (_, section) =
            description.split_once("See docs/operations.md, ").unwrap_or_else(|| panic!("{description}"));
        assert!(alarm.contains("AlarmActions:") && alarm.contains("OKActions:"), "nobody hears of this: {description}");
        named.insert(section.trim_end_matches('.').to_owned());
        count += 1;
    }
    assert!(count > 10, "{count} alarms");
    let manual = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let (_, chapter) = manual.split_once("\n## Alarms\n").unwrap();
    let (chapter, _) = chapter.split_once("\n## ").unwrap();
    let sections: BTreeSet<_> =
        chapter.lines().filter_map(|line| line.strip_prefix("### ")).map(str::to_owned).collect();
    assert_eq!(sections, named, "sections of docs/operations.md on the left, alarms of the template on the right");
    // Every section says what to do first and when it is over.
    for section in chapter.split("\n### ").skip(1) {
        assert!(section.contains("\n- Over:"), "{section}");
        assert!(section.contains("\n- First:") || section.contains("\n- Fix:"), "{section}");
    }
}

#[test]
fn each_parameter_has_a_row_and_each_row_has_parameters() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let (_, parameters) = template.split_once("\nParameters:\n").unwrap();
    let parameters = parameters.lines().take_while(|line| line.is_empty() || line.starts_with("  "));
    let names = parameters.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    let parameters: BTreeSet<&str> = names.filter(|name| !name.starts_with([' ', '#'])).collect();
    let manual = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let mut rows = BTreeSet::new();
    for chapter in ["\n## Before the first deployment\n", "\n## State\n"] {
        let (_, chapter) = manual.split_once(chapter).unwrap();
        let (chapter, _) = chapter.split_once("\n## ").unwrap();
        let tables = chapter.split("\n\n").filter(|part| part.lines().next().is_some_and(is_head_of_parameters));
        for row in tables.flat_map(|table| table.lines().skip(2)) {
            let cell = row.split('|').nth(1).unwrap();
            rows.extend(cell.split('`').skip(1).step_by(2));
        }
    }
    assert_eq!(rows, parameters, "parameters in docs/operations.md on the left, in the template on the right");
}

/// Returns true for the first line of a table of parameters.
fn is_head_of_parameters(line: &str) -> bool {
    line.starts_with("| parameter |") || line.starts_with("| optional parameter |")
}

/// Metrics of AWS's own services that the template may name.
///
/// Sources: "Types of metrics for Lambda functions", AWS Lambda Developer Guide; "Working with metrics for HTTP APIs", Amazon
/// API Gateway Developer Guide; "DynamoDB metrics and dimensions", Amazon DynamoDB Developer Guide; "Available CloudWatch
/// metrics for Amazon SQS", Amazon SQS Developer Guide.
const METRICS: [(&str, &[&str]); 4] = [
    ("AWS/ApiGateway", &["4xx", "5xx", "Count", "DataProcessed", "IntegrationLatency", "Latency"]),
    (
        "AWS/DynamoDB",
        &[
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
            "ReadThrottleEvents",
            "SystemErrors",
            "ThrottledRequests",
            "UserErrors",
            "WriteThrottleEvents",
        ],
    ),
    (
        "AWS/Lambda",
        &["ConcurrentExecutions", "Duration", "Errors", "Invocations", "IteratorAge", "PolledEventCount", "Throttles"],
    ),
    ("AWS/SQS", &["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"]),
];

#[test]
fn metrics_of_aws_that_alarms_name_exist() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let lines: Vec<&str> = template.lines().map(str::trim).collect();
    let mut named = BTreeSet::new();
    for pair in lines.windows(2) {
        let namespace = pair[0].strip_prefix("Namespace: ").filter(|namespace| namespace.starts_with("AWS/"));
        if let (Some(namespace), Some(metric)) = (namespace, pair[1].strip_prefix("MetricName: ")) {
            let known = METRICS.iter().find(|(known, _)| *known == namespace).unwrap_or_else(|| panic!("{namespace}"));
            assert!(known.1.contains(&metric), "{namespace} has no metric `{metric}`");
            named.insert(metric);
        }
    }
    for metric in ["5xx", "ApproximateAgeOfOldestMessage", "Errors", "Invocations", "IteratorAge", "Throttles"] {
        assert!(named.contains(metric), "no alarm names `{metric}`");
    }
}

#[test]
fn a_name_of_a_stack_that_is_too_long_is_refused_before_anything_that_keeps_state() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let (_, rule) = template.split_once("\n  StackNameFits:\n").unwrap();
    let (_, longest) = rule.split_once("AllowedPattern: ^.{1,").unwrap();
    let longest: usize = longest.split('}').next().unwrap().parse().unwrap();
    let names = template.lines().filter_map(|line| line.trim().strip_prefix("FunctionName: !Sub \"${AWS::StackName}"));
    let name = names.map(|rest| rest.trim_end_matches('"').len()).max().unwrap();
    assert_eq!(longest + name, 64, "a Lambda function's name has at most 64 characters");
    let manual = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    assert!(manual.contains(&format!("so it has at most {longest} characters")), "the manual has another number");
    let (_, resources) = template.split_once("\nResources:\n").unwrap();
    let mut stateful = 0;
    for resource in resources.split("\n\n").filter(|resource| resource.contains("\n    DeletionPolicy: Retain\n")) {
        assert!(resource.contains("    DependsOn: StackNameFits\n"), "created before the name is checked: {resource}");
        stateful += 1;
    }
    assert!(stateful >= 8, "{stateful}");
}
