use serde_json::{Value, json};

use crate::sandbox::memory::controllers::fake::{Kubelets, World};

fn cron(spec: Value) -> Value {
    let mut cron = json!({"metadata": {"name": "tick"}, "spec": {
        "schedule": "* * * * *", "concurrencyPolicy": "Allow", "suspend": false,
        "successfulJobsHistoryLimit": 3, "failedJobsHistoryLimit": 1,
        "jobTemplate": {"metadata": {"labels": {"of": "tick"}}, "spec": {
            "parallelism": 1, "completions": 1, "selector": {"matchLabels": {"app": "tick"}},
            "template": {"metadata": {"labels": {"app": "tick"}}, "spec": {"restartPolicy": "Never", "containers": []}}}},
    }});
    for (key, value) in spec.as_object().unwrap() {
        cron["spec"][key] = value.clone();
    }
    cron
}

#[test]
fn a_job_each_minute_and_a_limited_history() {
    let mut world = World::new();
    world.kubelets = Kubelets::Succeed;
    world.create("cronjobs", cron(json!({})));
    world.pass(59);
    assert_eq!(world.names("jobs"), [""; 0]);
    world.pass(2);
    let minute = "2026-01-01T00:01:00Z"
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_second()
        / 60;
    let name = format!("tick-{minute}");
    assert_eq!(world.names("jobs"), std::slice::from_ref(&name));
    let job = world.get("jobs", &name);
    assert_eq!(job["metadata"]["labels"], json!({"of": "tick"}));
    assert_eq!(
        job["metadata"]["annotations"],
        json!({"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T00:01:00Z"})
    );
    assert_eq!(job["metadata"]["ownerReferences"][0]["kind"], "CronJob");
    assert_eq!(
        world.get("cronjobs", "tick")["status"],
        json!({"lastScheduleTime": "2026-01-01T00:01:00Z",
        "lastSuccessfulTime": "2026-01-01T00:01:01Z"})
    );
    assert_eq!(
        world.events("tick"),
        [
            format!("SuccessfulCreate: Created job {name} x1"),
            format!("SawCompletedJob: Saw completed job: {name}, condition: Complete x1")
        ]
    );
    for _ in 0..5 {
        world.pass(60);
    }
    assert_eq!(world.list("jobs").len(), 3);
    assert!(world.find("jobs", &name).is_none(), "the oldest go");
}

#[test]
fn concurrency_is_allowed_forbidden_or_ends_the_old_one() {
    for (policy, running, told) in [
        ("Allow", 2, ""),
        ("Forbid", 1, "JobAlreadyActive"),
        ("Replace", 1, "SuccessfulDelete"),
    ] {
        let mut world = World::new();
        world.create("cronjobs", cron(json!({"concurrencyPolicy": policy})));
        world.pass(61);
        let first = world.names("jobs").remove(0);
        world.pass(60);
        assert_eq!(world.list("jobs").len(), running, "{policy}");
        assert_eq!(world.find("jobs", &first).is_some(), policy != "Replace");
        assert_eq!(
            world.get("cronjobs", "tick")["status"]["active"]
                .as_array()
                .unwrap()
                .len(),
            running
        );
        assert!(
            world
                .events("tick")
                .iter()
                .any(|event| event.starts_with(told)),
            "{policy}"
        );
    }
}

#[test]
fn times_that_were_missed() {
    let mut world = World::new();
    world.create(
        "cronjobs",
        cron(json!({"suspend": true, "schedule": "0 * * * *"})),
    );
    world.pass(3 * 3600 + 1800);
    assert_eq!(world.names("jobs"), [""; 0]);
    world.patch("cronjobs", "tick", json!({"spec": {"suspend": false}}));
    world.settle();
    assert_eq!(
        world.get("cronjobs", "tick")["status"]["lastScheduleTime"],
        "2026-01-01T03:00:00Z",
        "only the last is made up for"
    );
    assert_eq!(world.list("jobs").len(), 1);

    let mut late = World::new();
    late.create(
        "cronjobs",
        cron(json!({"suspend": true, "schedule": "0 * * * *", "startingDeadlineSeconds": 60})),
    );
    late.pass(3600 + 1800);
    late.patch("cronjobs", "tick", json!({"spec": {"suspend": false}}));
    late.settle();
    assert_eq!(late.list("jobs").len(), 0);
    late.pass(1801);
    assert_eq!(late.list("jobs").len(), 1);
}

#[test]
fn a_schedule_in_a_time_zone() {
    let mut world = World::new();
    world.create(
        "cronjobs",
        cron(json!({"schedule": "30 9 * * *", "timeZone": "Asia/Tokyo"})),
    );
    world.pass(31 * 60);
    let job = world.list("jobs").remove(0);
    assert_eq!(
        job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"],
        "2026-01-01T09:30:00+09:00"
    );
    let mut world = World::new();
    world.create("cronjobs", cron(json!({"timeZone": "Nowhere/There"})));
    world.settle();
    assert!(
        world.events("tick")[0].starts_with("UnknownTimeZone: invalid timeZone: \"Nowhere/There\"")
    );
}
