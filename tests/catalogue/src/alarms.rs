//! Alarms that follow from the table of functions: of each schedule, and of all functions that events invoke.

use std::fmt::Write as _;

use trustplane_functions::{Function, Trigger, functions};

use crate::template::logical_id;

/// Receivers of an alarm, and of its end.
pub(crate) const RECEIVERS: &str = "      AlarmActions: [!If [ReceiverIsTopic, !Ref AlarmReceiver, !Ref AlarmTopic]]
      OKActions: [!If [ReceiverIsTopic, !Ref AlarmReceiver, !Ref AlarmTopic]]
";

/// Metrics of one alarm.
///
/// Source: "Using metric math", Amazon CloudWatch User Guide: an alarm has at most ten.
const METRICS: usize = 10;

/// Returns the resources of the alarms.
pub(crate) fn alarms() -> String {
    let mut text = String::new();
    let handlers: Vec<&Function> = functions()
        .filter(|function| matches!(function.trigger, Trigger::Schedule(_) | Trigger::AuditStream))
        .collect();
    for function in &handlers {
        if let Trigger::Schedule(expression) = function.trigger {
            stopped(&mut text, function, expression);
        }
    }
    for (number, functions) in handlers.chunks(METRICS - 1).enumerate() {
        failing(&mut text, number, functions);
    }
    text
}

/// Period of the alarm, and the number of periods: two runs may be missed before it.
fn periods(expression: &str) -> (u32, u32) {
    match expression {
        "rate(1 minute)" => (300, 2),
        "rate(15 minutes)" => (900, 3),
        "rate(1 hour)" => (3_600, 3),
        // A night's run, and the hours until the next.
        _ => (86_400, 2),
    }
}

/// Writes the alarm of a schedule that has stopped. Missing data is the alarm.
fn stopped(text: &mut String, function: &Function, expression: &str) {
    let (period, periods) = periods(expression);
    let logical = logical_id(function.name);
    let _ = write!(
        text,
        r#"
  {logical}StoppedAlarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: The schedule of {name} has stopped. See docs/operations.md, ScheduleStopped.
      Namespace: AWS/Lambda
      MetricName: Invocations
      Dimensions:
        - Name: FunctionName
          Value: !Ref {logical}
      Statistic: Sum
      Period: {period}
      EvaluationPeriods: {periods}
      Threshold: 1
      ComparisonOperator: LessThanThreshold
      TreatMissingData: breaching
{RECEIVERS}"#,
        name = function.name,
    );
}

/// Writes the alarm of functions of schedules and streams that fail. An endpoint never fails for Lambda: its errors are
/// responses of 5xx.
fn failing(text: &mut String, number: usize, functions: &[&Function]) {
    let number = if number == 0 { String::new() } else { (number + 1).to_string() };
    let _ = write!(
        text,
        r#"
  EventsFailingAlarm{number}:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: A function of a schedule or of the stream fails. See docs/operations.md, EventsFailing.
      EvaluationPeriods: 3
      DatapointsToAlarm: 2
      Threshold: 1
      ComparisonOperator: GreaterThanOrEqualToThreshold
      TreatMissingData: notBreaching
{RECEIVERS}      Metrics:
        - Id: failures
          Label: Failed runs
          Expression: SUM(METRICS())
"#
    );
    for (index, function) in functions.iter().enumerate() {
        let _ = write!(
            text,
            r#"        - Id: m{index}
          ReturnData: false
          MetricStat:
            Metric:
              Namespace: AWS/Lambda
              MetricName: Errors
              Dimensions:
                - Name: FunctionName
                  Value: !Ref {logical}
            Period: 300
            Stat: Sum
"#,
            logical = logical_id(function.name),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_that_stops_is_reported_after_two_or_three_missed_runs() {
        for function in functions() {
            let Trigger::Schedule(expression) = function.trigger else { continue };
            let rate = expression.strip_prefix("rate(").and_then(|rate| rate.strip_suffix(')')).unwrap();
            let (number, unit) = rate.split_once(' ').unwrap();
            let seconds = match unit.trim_end_matches('s') {
                "minute" => 60,
                "hour" => 3_600,
                "day" => 86_400,
                other => panic!("{other}"),
            };
            let interval = number.parse::<u32>().unwrap() * seconds;
            let (period, periods) = periods(expression);
            assert!(period >= interval, "{}: a period without a run is no fault", function.name);
            assert!(period * periods <= (3 * interval).max(600), "{}: reported too late", function.name);
        }
    }
}
