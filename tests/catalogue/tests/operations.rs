//! Checks that the manual of operators has a section for each alarm, and the template an alarm for each section.

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
