//! Writes one after another, with what Kubernetes makes of them.

use serde_json::{Value, json};

use super::testing::{NOW, Thing, managers, thing};
use super::{Context, Filter, apply, keep_times, update};

#[test]
fn an_applier_owns_what_it_sends() {
    let thing = Thing::default();
    let spec = json!({
        "n": 1, "m": {"a": "1"}, "set": ["x"], "list": [1], "o": {"x": "1", "y": {}},
        "atom": {"u": "1"}, "items": [{"name": "a", "ports": [{"port": 80}]}], "any": {"p": {"q": 1}},
    });
    let made = thing.apply(None, "a", false, &spec).unwrap().object;
    assert_eq!(made["spec"], spec);
    let fields = "a Apply now .spec.atom .spec.list .spec.n .spec.any.p .spec.any.p.q \
                  .spec.items[name=\"a\"] .spec.items[name=\"a\"].name \
                  .spec.items[name=\"a\"].ports[port=80,protocol=\"TCP\"] \
                  .spec.items[name=\"a\"].ports[port=80,protocol=\"TCP\"].port .spec.m.a .spec.o.x \
                  .spec.o.y .spec.set[=\"x\"]";
    let managers = managers(&made);
    let mut shown: Vec<&str> = managers[0].split(' ').collect();
    let mut wanted: Vec<&str> = fields.split(' ').filter(|word| !word.is_empty()).collect();
    shown.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(shown, wanted);
}

#[test]
fn an_update_owns_what_it_changes() {
    let thing = Thing::default();
    let made = thing.update(None, "a", &json!({"n": 1, "s": "x", "m": {"k": "1"}}));
    let a = "a Update now .spec .spec.m .spec.n .spec.s .spec.m.k";
    assert_eq!(managers(&made), [a]);
    let next = thing.update(
        Some(&made),
        "b",
        &json!({"n": 2, "m": {"k": "1", "l": "2"}}),
    );
    let a = "a Update now .spec .spec.m .spec.m.k";
    assert_eq!(managers(&next), [a, "b Update now .spec.n .spec.m.l"]);
    let same = thing.update(
        Some(&next),
        "c",
        &json!({"n": 2, "m": {"k": "1", "l": "2"}}),
    );
    assert_eq!(managers(&same), managers(&next));
    let none = thing.update(Some(&next), "c", &json!({"m": {}}));
    assert_eq!(managers(&none), ["a Update now .spec .spec.m"]);
}

#[test]
fn what_others_manage_is_not_taken_without_force() {
    let thing = Thing::default();
    let made = thing
        .apply(None, "a", false, &json!({"n": 1, "s": "x"}))
        .unwrap()
        .object;
    let made = thing.update(Some(&made), "b", &json!({"n": 1, "s": "y", "b": true}));
    let taken = json!({"n": 2, "s": "z", "b": false});
    let status = thing.apply(Some(&made), "c", false, &taken).unwrap_err();
    assert_eq!((status.code, status.reason), (409, "Conflict"));
    assert_eq!(
        status.message,
        "Apply failed with 3 conflicts: conflicts with \"a\":\n- .spec.n\nconflicts with \"b\" \
         using example.com/v1:\n- .spec.b\n- .spec.s"
    );
    let details = status.details.unwrap();
    let causes = details
        .causes
        .iter()
        .map(|c| (c.reason, c.message.as_str(), c.field.as_str()));
    let b = "conflict with \"b\" using example.com/v1";
    let reason = "FieldManagerConflict";
    assert_eq!(
        causes.collect::<Vec<_>>(),
        [
            (reason, "conflict with \"a\"", ".spec.n"),
            (reason, b, ".spec.b"),
            (reason, b, ".spec.s")
        ]
    );
    assert!(details.name.is_empty() && details.kind.is_empty());

    let one = thing
        .apply(Some(&made), "c", false, &json!({"n": 2}))
        .unwrap_err();
    assert_eq!(
        one.message,
        "Apply failed with 1 conflict: conflict with \"a\": .spec.n"
    );

    let forced = thing.apply(Some(&made), "c", true, &taken).unwrap().object;
    assert_eq!(forced["spec"], taken);
    assert_eq!(managers(&forced), ["c Apply now .spec.b .spec.n .spec.s"]);
}

#[test]
fn a_shared_field_goes_with_its_last_applier() {
    let thing = Thing::default();
    let both = json!({"m": {"k": "1"}, "items": [{"name": "i", "image": "x"}]});
    let one = thing.apply(None, "a", false, &both).unwrap().object;
    let two = thing.apply(Some(&one), "b", false, &both).unwrap();
    assert!(two.is_same);
    // Who comes to share what is there already has no time, as in Kubernetes.
    let fields = ".spec.items[name=\"i\"] .spec.items[name=\"i\"].image .spec.items[name=\"i\"].name .spec.m.k";
    assert_eq!(
        managers(&two.object),
        [
            format!("b Apply - {fields}"),
            format!("a Apply now {fields}")
        ]
    );

    let left = thing
        .apply(Some(&two.object), "a", false, &json!({}))
        .unwrap()
        .object;
    assert_eq!(left["spec"], both);
    let gone = thing
        .apply(Some(&left), "b", false, &json!({"n": 1}))
        .unwrap()
        .object;
    assert_eq!(gone["spec"], json!({"n": 1}));
    // A map that is applied without its last key becomes null, which custom resources are then
    // refused for.
    let empty = thing
        .apply(Some(&left), "b", false, &json!({"m": {}}))
        .unwrap()
        .object;
    assert_eq!(empty["spec"], json!({"m": null}));
}

#[test]
fn what_others_added_goes_with_the_item_that_it_is_in() {
    let thing = Thing::default();
    let spec = json!({"items": [{"name": "i", "image": "x"}, {"name": "j"}]});
    let made = thing.apply(None, "a", false, &spec).unwrap().object;
    let defaulted =
        json!({"items": [{"name": "i", "image": "x", "ports": [{"port": 1}]}, {"name": "j"}]});
    let made = thing.update(Some(&made), "b", &defaulted);
    let dropped = thing.apply(Some(&made), "a", false, &json!({"items": [{"name": "i"}]}));
    let left = json!({"items": [{"name": "i", "ports": [{"port": 1}]}]});
    assert_eq!(dropped.unwrap().object["spec"], left);
    // `b` manages a port of `i`, but not `i` itself, which takes the port with it.
    let gone = thing.apply(Some(&made), "a", false, &json!({"items": [{"name": "j"}]}));
    assert_eq!(
        gone.unwrap().object["spec"],
        json!({"items": [{"name": "j"}]})
    );
}

#[test]
fn the_first_apply_finds_who_was_before() {
    let thing = Thing::default();
    let mut plain = thing.update(None, "", &json!({"n": 1, "s": "x"}));
    assert!(managers(&plain)[0].starts_with("unknown Update now"));
    plain["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("managedFields");
    let status = thing
        .apply(Some(&plain), "a", false, &json!({"n": 2}))
        .unwrap_err();
    let message = "Apply failed with 1 conflict: conflict with \"before-first-apply\" using \
                   example.com/v1: .spec.n";
    assert_eq!(status.message, message);
    let applied = thing
        .apply(Some(&plain), "a", false, &json!({"s": "x"}))
        .unwrap()
        .object;
    let before = "before-first-apply Update now .spec .spec.n .spec.s";
    assert_eq!(managers(&applied), ["a Apply - .spec.s", before]);
}

#[test]
fn kubectl_takes_over_what_it_applied_on_its_side() {
    let thing = Thing::default();
    let mut live = thing.update(
        None,
        "kubectl-client-side-apply",
        &json!({"n": 1, "s": "x"}),
    );
    let last = serde_json::to_string(&super::testing::thing(&json!({"n": 1, "s": "y"}))).unwrap();
    let key = "kubectl.kubernetes.io/last-applied-configuration";
    live["metadata"]["annotations"] = json!({key: last, "other": "1"});
    for (manager, spec, conflicts) in [
        ("kubectl", json!({"n": 2}), None),
        ("another", json!({"n": 2}), Some(".spec.n")),
        ("kubectl", json!({"n": 2, "s": "z"}), Some(".spec.s")),
    ] {
        match (thing.apply(Some(&live), manager, false, &spec), conflicts) {
            (Ok(applied), None) => {
                let annotations = &applied.object["metadata"]["annotations"];
                let text = format!(
                    "{{\"apiVersion\":\"example.com/v1\",\"kind\":\"Thing\",\"metadata\":{{\"name\":\"x\"}},\"spec\":{spec}}}\n"
                );
                assert_eq!(annotations, &json!({key: text, "other": "1"}));
            }
            (Err(status), Some(field)) => {
                let fields = status.details.unwrap().causes;
                assert_eq!(
                    fields.iter().map(|c| c.field.as_str()).collect::<Vec<_>>(),
                    [field]
                );
            }
            (got, _) => panic!("{manager} {spec}: {got:?}"),
        }
    }
}

#[test]
fn bodies_that_cannot_be_applied_are_refused() {
    let thing_ = Thing::default();
    let context = thing_.context("");
    let refused = |body: &Value| {
        let status = apply(&context, None, body, "a", false).unwrap_err();
        (status.code, status.reason, status.message)
    };
    let mut body = thing(&json!({}));
    body["metadata"]["managedFields"] = json!([]);
    let managed = "metadata.managedFields must be nil".to_owned();
    assert_eq!(refused(&body), (400, "BadRequest", managed));
    for (api_version, kind, name) in [
        ("example.com/v1", "Other", "example.com/v1, Kind=Other"),
        ("v1", "Thing", "/v1, Kind=Thing"),
        ("", "Thing", "/, Kind=Thing"),
        ("a/b/c", "Thing", "/, Kind="),
    ] {
        let body = json!({"apiVersion": api_version, "kind": kind});
        let message = format!("invalid object type: {name}");
        assert_eq!(refused(&body), (400, "BadRequest", message));
    }
    for (spec, problem) in [
        (json!({"foo": 1}), ".spec.foo: field not declared in schema"),
        (
            json!({"n": "1"}),
            ".spec.n: expected numeric (int or float), got string",
        ),
        (
            json!({"s": 1}),
            ".spec.s: expected string, got &value.valueUnstructured{Value:1}",
        ),
        (json!({"b": "x"}), ".spec.b: expected boolean, got &{x}"),
        (json!({"m": []}), ".spec.m: expected map, got &{[]}"),
        (
            json!({"set": {"a": [1, null]}}),
            ".spec.set: expected list, got &{map[a:[1 <nil>]]}",
        ),
        (
            json!({"set": ["a", "a"]}),
            ".spec.set: duplicate entries for key [=\"a\"]",
        ),
        (
            json!({"set": [null]}),
            ".spec.set: element 0: associative list without keys has an element that's an explicit null",
        ),
        (
            json!({"items": [{"name": "a"}, {"name": "a", "image": 1}]}),
            "errors:\n  .spec.items: duplicate entries for key [name=\"a\"]\n  \
             .spec.items[name=\"a\"].image: expected string, got &value.valueUnstructured{Value:1}",
        ),
        (
            json!({"items": [{"image": "a"}]}),
            ".spec.items: element 0: associative list with keys has an element that omits all key \
             fields [\"name\"] (and doesn't have default values for any key fields)",
        ),
        (
            json!({"items": [{"name": "a", "ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]}]}),
            ".spec.items[name=\"a\"].ports: duplicate entries for key [port=1,protocol=\"TCP\"]",
        ),
    ] {
        let name = "/x; example.com/v1, Kind=Thing";
        let message = format!("failed to create typed patch object ({name}): {problem}");
        assert_eq!(refused(&thing(&spec)), (500, "", message), "{spec}");
    }
}

#[test]
fn duplicates_that_are_there_are_owned_as_one() {
    let thing = Thing::default();
    let twice = json!({"items": [{"name": "a", "image": "1"}, {"name": "a", "image": "2"}]});
    let made = thing.update(None, "a", &twice);
    assert_eq!(
        managers(&made),
        ["a Update now .spec .spec.items .spec.items[name=\"a\"]"]
    );
    let item = json!({"items": [{"name": "a", "image": "3"}]});
    let conflict = thing.apply(Some(&made), "b", false, &item).unwrap_err();
    let message = "Apply failed with 1 conflict: conflict with \"a\" using example.com/v1: \
                   .spec.items[name=\"a\"]";
    assert_eq!(conflict.message, message);
    let forced = thing.apply(Some(&made), "b", true, &item).unwrap().object;
    assert_eq!(forced["spec"], item);
}

#[test]
fn merged_items_come_in_the_applied_order() {
    let thing = Thing::default();
    let named = |names: &str| {
        let items: Vec<Value> = names
            .chars()
            .map(|c| json!({"name": c.to_string()}))
            .collect();
        json!({"items": items})
    };
    for (live, applied, merged) in [
        ("abc", "cba", "cba"),
        ("abc", "c", "abc"),
        ("abc", "dc", "abdc"),
        ("abc", "ca", "bca"),
        ("abcd", "dxb", "acdxb"),
        ("", "ba", "ba"),
    ] {
        let live = thing.update(None, "a", &named(live));
        let made = thing
            .apply(Some(&live), "b", true, &named(applied))
            .unwrap()
            .object;
        assert_eq!(
            made["spec"],
            named(merged),
            "{applied} into {}",
            live["spec"]
        );
    }
}

#[test]
fn subresources_have_managers_of_their_own() {
    let mut thing = Thing::default();
    thing.filter = Some(Filter::except(&["metadata", "spec"]));
    let live = thing.update(None, "a", &json!({"n": 1}));
    assert!(managers(&live).is_empty());
    let mut new = live.clone();
    new["spec"]["n"] = json!(2);
    new["status"] = json!({"phase": "x"});
    new["metadata"]["uid"] = json!("");
    let status = Context {
        subresource: "status",
        ..thing.context("")
    };
    update(&status, Some(&json!({"metadata": {}})), &mut new, "a");
    assert_eq!(
        managers(&new),
        ["a Update status now .status .status.phase"]
    );
}

#[test]
fn clients_may_send_managers_or_forget_them() {
    let thing = Thing::default();
    let live = thing.update(None, "a", &json!({"n": 1}));
    let a = managers(&live);
    let entry = |fields: Value| {
        json!({"manager": "z", "operation": "Apply", "apiVersion": "example.com/v2",
               "fieldsType": "FieldsV1", "fieldsV1": fields})
    };
    let mut odd = entry(json!({"f:spec": {"f:n": {}}}));
    odd["operation"] = json!("Nope");
    for (sent, left) in [
        (json!(null), a.clone()),
        (json!([]), vec![]),
        (json!([{}]), vec![]),
        (json!([odd]), a.clone()),
        (
            json!([entry(json!({"f:spec": {"f:n": {}}}))]),
            vec!["z Apply - .spec.n".to_owned()],
        ),
        (json!([entry(json!({"f:spec": 1}))]), a.clone()),
        // Parts of what is owned as a whole become the whole.
        (
            json!([entry(json!({"f:spec": {"f:atom": {"f:u": {}}}}))]),
            vec!["z Apply - .spec.atom".to_owned()],
        ),
        (json!([entry(json!({}))]), vec![]),
    ] {
        let mut new = live.clone();
        new["metadata"]["managedFields"] = sent.clone();
        update(&thing.context(""), Some(&live), &mut new, "b");
        assert_eq!(managers(&new), left, "{sent}");
    }
    let mut gone = entry(json!({"f:spec": {"f:n": {}}}));
    gone["apiVersion"] = json!("example.com/v0");
    let mut new = live.clone();
    new["metadata"]["managedFields"] = json!([gone]);
    update(&thing.context(""), Some(&live), &mut new, "b");
    assert!(
        managers(&new).is_empty(),
        "who wrote in a version that is gone is forgotten"
    );
}

#[test]
fn the_oldest_updates_are_merged_when_there_are_many() {
    let thing = Thing::default();
    let mut live = thing.update(None, "m00", &json!({"m": {"k00": "0"}}));
    for n in 1..12 {
        let entries = live["metadata"]["managedFields"].as_array_mut().unwrap();
        let fresh = entries.iter_mut().filter(|entry| entry["time"] == NOW);
        fresh.for_each(|entry| entry["time"] = json!(format!("2020-01-01T00:00:{n:02}Z")));
        let mut spec = live["spec"].clone();
        spec["m"][format!("k{n:02}")] = json!("0");
        live = thing.update(Some(&live), &format!("m{n:02}"), &spec);
    }
    let managers = managers(&live);
    assert_eq!(managers.len(), 10);
    assert_eq!(
        managers[0],
        "ancient-changes Update 2020-01-01T00:00:03Z .spec .spec.m .spec.m.k00 .spec.m.k01 .spec.m.k02"
    );
    assert_eq!(managers[9], "m11 Update now .spec.m.k11");
}

#[test]
fn an_apply_that_changes_nothing_keeps_its_time() {
    let thing = Thing::default();
    let spec = json!({"n": 1, "items": [{"name": "a"}]});
    let mut live = thing.apply(None, "a", false, &spec).unwrap().object;
    live["metadata"]["managedFields"][0]["time"] = json!("2020-01-01T00:00:00Z");
    let again = thing.apply(Some(&live), "a", false, &spec).unwrap();
    assert!(again.is_same);
    assert_eq!(again.object, live);

    // The decoder added a default to what was stored, so that the merged object has it as well.
    let mut newer = live.clone();
    newer["metadata"]["managedFields"][0]["time"] = json!(NOW);
    let mut changed = newer.clone();
    changed["spec"]["n"] = json!(2);
    assert!(keep_times(&mut newer, &live) && newer == live);
    assert!(!keep_times(&mut changed, &live));
    assert!(!keep_times(&mut live.clone(), &live));
}
