//! What holds after any sequence of applies.

use serde_json::{Map, Value, json};

use super::managed;
use super::testing::{Thing, managers};

/// Xorshift: the same sequence in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn is(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A spec of the default thing with content in all that is there.
    fn spec(&mut self) -> Value {
        let mut spec = Map::new();
        let mut put = |key: &str, value: Value| spec.insert(key.to_owned(), value);
        if self.is(60) {
            put("n", json!(self.below(3)));
        }
        if self.is(50) {
            put(
                "m",
                json!({ ["a", "b"][self.below(2) as usize]: self.below(2).to_string() }),
            );
        }
        if self.is(40) {
            let first = ["x", "y"][self.below(2) as usize];
            put("set", json!([first, "z"]));
        }
        if self.is(40) {
            put("atom", json!({"u": self.below(2).to_string()}));
        }
        if self.is(40) {
            put(
                "any",
                json!({"p": {"q": self.below(2)}, "l": [self.below(2)]}),
            );
        }
        if self.is(60) {
            let count = 1 + self.below(3);
            let items = (0..count).map(|at| {
                let mut item = json!({"name": format!("i{at}")});
                if self.is(50) {
                    item["image"] = json!(self.below(2).to_string());
                }
                if self.is(40) {
                    item["ports"] = json!([{"port": 1 + self.below(2), "as": "x"}]);
                }
                item
            });
            let items: Vec<Value> = items.collect();
            put("items", json!(items));
        }
        Value::Object(spec)
    }
}

/// Whether all that `part` has is in `whole`, items told apart by their names, ports and values.
fn is_in(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(key, value)| whole.get(key).is_some_and(|there| is_in(value, there))),
        (Value::Array(part), Value::Array(whole)) => part.iter().all(|item| {
            let same = |key: &str, there: &Value| item.get(key) == there.get(key);
            whole.iter().any(|there| {
                let is_it = match item {
                    Value::Object(_) => same("name", there) && same("port", there),
                    _ => item == there,
                };
                is_it && is_in(item, there)
            })
        }),
        _ => part == whole,
    }
}

#[test]
fn appliers_get_what_they_apply_and_give_back_what_they_drop() {
    let thing = Thing::default();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..40 {
        let mut live: Option<Value> = None;
        for _ in 0..12 {
            let manager = ["a", "b", "c"][random.below(3) as usize];
            let spec = random.spec();
            let made = thing
                .apply(live.as_ref(), manager, true, &spec)
                .unwrap()
                .object;
            assert!(
                is_in(&spec, &made["spec"]),
                "{spec} is not in {}",
                made["spec"]
            );

            let again = thing.apply(Some(&made), manager, false, &spec).unwrap();
            assert!(again.is_same, "{spec} into {made}");
            assert_eq!(again.object, made);
            live = Some(made);
        }
        // When all have dropped all, nothing is left, and nobody.
        let mut live = live.unwrap();
        for manager in ["a", "b", "c"] {
            let made = thing.apply(Some(&live), manager, true, &json!({"n": 7}));
            live = made.unwrap().object;
        }
        assert_eq!(live["spec"], json!({"n": 7}));
        assert_eq!(managers(&live).len(), 3);
        for manager in ["a", "b", "c"] {
            let body =
                json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}});
            let context = thing.context("");
            live = super::apply(&context, Some(&live), &body, manager, false)
                .unwrap()
                .object;
        }
        assert_eq!(live.get("spec"), None);
        assert_eq!(managed::of(&live), None);
    }
}
