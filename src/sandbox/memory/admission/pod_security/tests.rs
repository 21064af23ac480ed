//! Messages are those that the real server gave or that its sources make.

use serde_json::json;

use super::policy::Version;
use super::*;

/// The standard out of its label's form, such as `restricted:v1.25`.
fn rule(words: &str) -> Rule {
    let (level, version) = words.split_once(':').unwrap();
    let (policy, errors) = Policy::read(|label| match label {
        "pod-security.kubernetes.io/enforce" => Some(level),
        "pod-security.kubernetes.io/enforce-version" => Some(version),
        _ => None,
    });
    assert_eq!(errors, []);
    policy.enforce
}

fn wrong(words: &str, spec: Value) -> String {
    violations(rule(words), &json!({"spec": spec}))
}

/// A pod of one container, `c`, with that context.
fn with(context: Value) -> Value {
    json!({"containers": [{"name": "c", "securityContext": context}]})
}

fn safe() -> Value {
    json!({
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "c", "securityContext": {
            "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
        }}],
    })
}

#[test]
fn what_a_plain_pod_violates_depends_on_level_and_version() {
    let plain =
        || json!({"containers": [{"name": "c"}, {"name": "d"}], "initContainers": [{"name": "i"}]});
    let escalates = "allowPrivilegeEscalation != false (containers \"i\", \"c\", \"d\" must set securityContext.allowPrivilegeEscalation=false)";
    let keeps = "unrestricted capabilities (containers \"i\", \"c\", \"d\" must set securityContext.capabilities.drop=[\"ALL\"])";
    let root = "runAsNonRoot != true (pod or containers \"i\", \"c\", \"d\" must set securityContext.runAsNonRoot=true)";
    let seccomp = "seccompProfile (pod or containers \"i\", \"c\", \"d\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")";
    for (words, expected) in [
        ("privileged:latest", vec![]),
        ("baseline:latest", vec![]),
        ("restricted:latest", vec![escalates, keeps, root, seccomp]),
        ("restricted:v1.99", vec![escalates, keeps, root, seccomp]),
        ("restricted:v1.21", vec![escalates, root, seccomp]),
        ("restricted:v1.18", vec![escalates, root]),
        ("restricted:v1.0", vec![root]),
    ] {
        assert_eq!(wrong(words, plain()), expected.join(", "), "{words}");
    }
    assert_eq!(wrong("restricted:latest", safe()), "");
}

#[test]
fn each_check_of_the_baseline_has_its_words() {
    let host = json!({"hostNetwork": true, "hostIPC": true});
    let volumes = json!({"volumes": [{"name": "v", "hostPath": {"path": "/"}}, {"name": "w", "emptyDir": {}}]});
    let ports = json!({"containers": [
        {"name": "c", "ports": [{"hostPort": 90}, {"hostPort": 8080}, {"containerPort": 1}]},
        {"name": "d", "ports": [{"hostPort": 90}]},
    ]});
    let probe = json!({"containers": [
        {"name": "d", "livenessProbe": {"httpGet": {"host": "h"}}},
        {"name": "c", "lifecycle": {"preStop": {"tcpSocket": {"host": "g"}}}},
    ]});
    let windows = json!({
        "securityContext": {"windowsOptions": {"hostProcess": true}},
        "containers": [{"name": "c", "securityContext": {"windowsOptions": {"hostProcess": true}}}],
    });
    let sysctls = json!({"securityContext": {"sysctls": [{"name": "z"}, {"name": "net.ipv4.tcp_rmem"}, {"name": "a"}]}});
    for (spec, expected) in [
        (host, "host namespaces (hostNetwork=true, hostIPC=true)"),
        (volumes, "hostPath volumes (volume \"v\")"),
        (
            ports,
            "hostPort (containers \"c\", \"d\" use hostPorts 8080, 90)",
        ),
        (
            probe,
            "probe or lifecycle host (containers \"c\", \"d\" use probe or lifecycle hosts \"g\", \"h\")",
        ),
        (
            windows,
            "hostProcess (pod and container \"c\" must not set securityContext.windowsOptions.hostProcess=true)",
        ),
        (sysctls, "forbidden sysctls (z, a)"),
        (
            with(json!({"privileged": true, "capabilities": {"add": ["X", "CHOWN", "A"]}})),
            "non-default capabilities (container \"c\" must not include \"A\", \"X\" in securityContext.capabilities.add), privileged (container \"c\" must not set securityContext.privileged=true)",
        ),
        (
            with(json!({"procMount": "Unmasked"})),
            "procMount (container \"c\" must not set securityContext.procMount to \"Unmasked\")",
        ),
        (
            with(json!({"seLinuxOptions": {"type": "t", "role": "r", "user": "u"}})),
            "seLinuxOptions (container \"c\" set forbidden securityContext.seLinuxOptions: type \"t\"; user may not be set; role may not be set)",
        ),
        (
            with(
                json!({"seccompProfile": {"type": "Unconfined"}, "appArmorProfile": {"type": "Unconfined"}}),
            ),
            "forbidden AppArmor profile (container \"c\" must not set AppArmor profile type to \"Unconfined\"), seccompProfile (container \"c\" must not set securityContext.seccompProfile.type to \"Unconfined\")",
        ),
    ] {
        assert_eq!(wrong("baseline:latest", spec), expected);
    }
}

#[test]
fn restricted_says_what_is_set_wrongly_before_what_is_not_set() {
    let mut spec = safe();
    spec["securityContext"] =
        json!({"runAsNonRoot": false, "runAsUser": 0, "seccompProfile": {"type": "Unconfined"}});
    spec["volumes"] = json!([{"name": "v", "hostPath": {}}, {"name": "w", "nfs": {}}, {"name": "x", "secret": {}}]);
    spec["containers"][0]["securityContext"]["capabilities"]["add"] = json!(["CHOWN"]);
    let expected = [
        "unrestricted capabilities (container \"c\" must not include \"CHOWN\" in securityContext.capabilities.add)",
        "restricted volume types (volumes \"v\", \"w\" use restricted volume types \"hostPath\", \"nfs\")",
        "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false)",
        "runAsUser=0 (pod must not set runAsUser=0)",
        "seccompProfile (pod must not set securityContext.seccompProfile.type to \"Unconfined\")",
    ];
    assert_eq!(wrong("restricted:latest", spec), expected.join(", "));
}

#[test]
fn later_versions_allow_more() {
    let sysctl = || json!({"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}});
    assert_eq!(wrong("baseline:v1.32", sysctl()), "");
    assert_eq!(
        wrong("baseline:v1.31", sysctl()),
        "forbidden sysctls (net.ipv4.tcp_rmem)"
    );
    let engine = || with(json!({"seLinuxOptions": {"type": "container_engine_t"}}));
    assert_eq!(wrong("baseline:v1.31", engine()), "");
    assert!(wrong("baseline:v1.30", engine()).contains(": type \"container_engine_t\")"));
    let unmasked = || {
        let mut spec = safe();
        spec["hostUsers"] = json!(false);
        spec["securityContext"]["runAsUser"] = json!(0);
        spec["containers"][0]["securityContext"]["procMount"] = json!("Unmasked");
        spec
    };
    assert_eq!(wrong("baseline:v1.35", unmasked()), "");
    assert!(wrong("baseline:v1.34", unmasked()).starts_with("procMount"));
    assert!(wrong("restricted:v1.35", unmasked()).starts_with("procMount"));
    assert!(!wrong("restricted:v1.35", unmasked()).contains("runAsUser"));
    assert!(wrong("restricted:v1.34", unmasked()).contains("runAsUser"));
    let windows = || json!({"os": {"name": "windows"}, "securityContext": {"runAsNonRoot": true}, "containers": [{"name": "c"}]});
    assert_eq!(wrong("restricted:v1.25", windows()), "");
    assert!(!wrong("restricted:v1.24", windows()).is_empty());
}

#[test]
fn annotations_count_that_are_former_fields() {
    let key = "container.apparmor.security.beta.kubernetes.io/c";
    let seccomp = "container.seccomp.security.alpha.kubernetes.io/c";
    let pod = json!({
        "metadata": {"annotations": {key: "unconfined", seccomp: "unconfined"}},
        "spec": {"containers": [{"name": "c"}]},
    });
    let app_armor = format!(
        "forbidden AppArmor profile (annotation must not set AppArmor profile type to \"{key}=\"unconfined\"\")"
    );
    assert_eq!(violations(rule("baseline:latest"), &pod), app_armor);
    assert_eq!(
        violations(rule("baseline:v1.18"), &pod),
        format!("{app_armor}, seccompProfile (forbidden annotation {seccomp}=\"unconfined\")")
    );
}

#[test]
fn nobody_is_warned_less_than_is_enforced() {
    let read = |labels: &[(&str, &str)]| {
        let (policy, errors) = Policy::read(|label| {
            let key = label.strip_prefix("pod-security.kubernetes.io/").unwrap();
            let mut all = labels.iter();
            all.find(|(own, _)| *own == key).map(|(_, value)| *value)
        });
        let texts = errors.iter().map(ToString::to_string).collect::<Vec<_>>();
        (policy.enforce.to_string(), policy.warn.to_string(), texts)
    };
    let told = |labels: &[(&str, &str)]| {
        let (enforce, warn, errors) = read(labels);
        assert_eq!(errors, [""; 0]);
        format!("{enforce} {warn}")
    };
    assert_eq!(told(&[]), "privileged:latest privileged:latest");
    assert_eq!(
        told(&[("enforce", "baseline"), ("enforce-version", "v1.25")]),
        "baseline:v1.25 baseline:v1.25"
    );
    assert_eq!(
        told(&[
            ("enforce", "baseline"),
            ("enforce-version", "v1.25"),
            ("warn", "privileged")
        ]),
        "baseline:v1.25 privileged:latest"
    );
    assert_eq!(
        told(&[("enforce", "baseline"), ("warn-version", "v1.0")]),
        "baseline:latest baseline:v1.0"
    );
    let (enforce, warn, errors) =
        read(&[("enforce", "x"), ("audit-version", "v1.01"), ("warn", "")]);
    assert_eq!(
        (&*enforce, &*warn),
        ("restricted:latest", "privileged:latest")
    );
    assert_eq!(
        errors,
        [
            "metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"x\": must be one of privileged, baseline, restricted",
            "metadata.labels[pod-security.kubernetes.io/audit-version]: Invalid value: \"v1.01\": must be \"latest\" or \"v1.x\"",
            "metadata.labels[pod-security.kubernetes.io/warn]: Invalid value: \"\": must be one of privileged, baseline, restricted",
        ]
    );
    for wrong in [
        "v1.",
        "v1.-1",
        "v1.+1",
        "1.25",
        "v2.0",
        "v1.99999999999999999999",
    ] {
        assert!(!read(&[("warn-version", wrong)]).2.is_empty(), "{wrong}");
    }
    assert_eq!(rule("baseline:v1.0").version, Version::Minor(0));
}

#[test]
fn only_new_images_are_looked_at_in_updates() {
    let pod = |image: &str, debuggers: Value| {
        json!({"spec": {
            "containers": [{"name": "c", "image": image}], "ephemeralContainers": debuggers,
        }})
    };
    let none = || pod("i", json!([]));
    let one = || pod("i", json!([{"name": "e", "image": "d"}]));
    for (new, old, expected) in [
        (none(), none(), false),
        (pod("j", json!([])), none(), true),
        (one(), none(), true),
        (one(), one(), false),
        (pod("i", json!([{"name": "e", "image": "x"}])), one(), true),
    ] {
        assert_eq!(changes_images(&new, &old), expected, "{new}");
    }
}
