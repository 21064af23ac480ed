//! Event: v1 and events.k8s.io/v1 (`pkg/apis/events/v1/conversion.go`). The two call most fields
//! differently and hold the same in them.

use serde_json::{Map, Value};

/// Fields of events.k8s.io/v1, in its order, with what they are in v1.
const FIELDS: [(&str, &str); 17] = [
    ("kind", "kind"),
    ("apiVersion", "apiVersion"),
    ("metadata", "metadata"),
    ("eventTime", "eventTime"),
    ("series", "series"),
    ("reportingController", "reportingComponent"),
    ("reportingInstance", "reportingInstance"),
    ("action", "action"),
    ("reason", "reason"),
    ("regarding", "involvedObject"),
    ("related", "related"),
    ("note", "message"),
    ("type", "type"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

/// To events.k8s.io/v1.
pub(super) fn to_events(event: &mut Value) {
    rename(event, FIELDS.map(|(new, core)| (core, new)));
}

/// To v1.
pub(super) fn to_core(event: &mut Value) {
    rename(event, FIELDS);
}

fn rename(event: &mut Value, names: [(&str, &str); 17]) {
    let Some(fields) = event.as_object_mut() else {
        return;
    };
    let mut renamed = Map::new();
    for (from, to) in names {
        if let Some(value) = fields.shift_remove(from) {
            renamed.insert(to.to_owned(), value);
        }
    }
    *fields = renamed;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_keep_their_content() {
        let event = json!({
            "kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "a"},
            "reportingController": "c", "regarding": {"name": "p"}, "note": "n", "type": "Normal",
            "deprecatedSource": {"component": "s"}, "deprecatedCount": 3,
        });
        let mut core = event.clone();
        to_core(&mut core);
        let expected = json!({
            "kind": "Event", "apiVersion": "events.k8s.io/v1", "metadata": {"name": "a"},
            "reportingComponent": "c", "involvedObject": {"name": "p"}, "message": "n",
            "type": "Normal", "source": {"component": "s"}, "count": 3,
        });
        assert_eq!(core, expected);
        to_events(&mut core);
        assert_eq!(core, event);
    }
}
