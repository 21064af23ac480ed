//! Events: what has happened to objects, in the server's words.

use std::cmp::Reverse;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::list::{Items, Reader, list};
use super::table::or_default;
use crate::cluster::{Error, Server};

/// What has happened to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The Event's own uid
    pub uid: String,
    /// When it happened last, in RFC 3339
    pub last: String,
    /// Normal or Warning
    pub type_: String,
    /// In CamelCase
    pub reason: String,
    /// `Pod/web`
    pub about: String,
    /// The uid of what it happened to
    pub about_uid: String,
    /// In words
    pub message: String,
    /// How often it happened
    pub count: i64,
    /// Orders Events of the same second
    order: String,
}

/// `v1` Event, which shows those of `events.k8s.io/v1` too.
/// Source: k8s.io/api/core/v1/types.go.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Raw {
    metadata: Meta,
    involved_object: Reference,
    #[serde(deserialize_with = "or_default")]
    reason: String,
    #[serde(deserialize_with = "or_default")]
    message: String,
    #[serde(rename = "type", deserialize_with = "or_default")]
    type_: String,
    #[serde(deserialize_with = "or_default")]
    count: i64,
    last_timestamp: Option<String>,
    event_time: Option<String>,
    series: Option<Series>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    uid: String,
    name: String,
    creation_timestamp: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reference {
    kind: String,
    name: String,
    uid: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series {
    count: i64,
    last_observed_time: Option<String>,
}

impl From<Raw> for Event {
    fn from(raw: Raw) -> Event {
        let series = raw.series.unwrap_or_default();
        let times = [
            series.last_observed_time,
            raw.last_timestamp,
            raw.event_time,
            raw.metadata.creation_timestamp,
        ];
        // client-go ends an Event's name in the nanosecond when it was made, in hexadecimal.
        let (_, order) = raw.metadata.name.rsplit_once('.').unwrap_or_default();
        Event {
            order: order.to_owned(),
            uid: raw.metadata.uid,
            last: times.into_iter().flatten().next().unwrap_or_default(),
            type_: raw.type_,
            reason: raw.reason,
            about: format!("{}/{}", raw.involved_object.kind, raw.involved_object.name),
            about_uid: raw.involved_object.uid,
            message: raw.message,
            count: series.count.max(raw.count).max(1),
        }
    }
}

/// Reads Events.
pub fn reader() -> impl Reader<Item = Event> {
    Items::new(|json: &RawValue| {
        let raw: Raw = serde_json::from_str(json.get())?;
        Ok(Some(Event::from(raw)))
    })
}

/// Where Events are.
pub fn path(namespace: Option<&str>) -> String {
    super::Kind::known("", "v1", "events", "Event").path(namespace)
}

/// The Events that `keep` wants, in no order.
///
/// Errors: as [`list`].
pub async fn read(
    server: &Server,
    namespace: Option<&str>,
    keep: impl FnMut(&Event) -> bool,
) -> Result<Vec<Event>, Error> {
    let mut reader = reader();
    let found = list(server, &path(namespace), &[], &mut reader, keep).await?;
    Ok(found.0)
}

/// The latest `most` of the Events, the newest first.
pub fn latest<'a>(events: impl Iterator<Item = &'a Event>, most: usize) -> Vec<&'a Event> {
    let mut events: Vec<&Event> = events.collect();
    // Times with and without fractions of seconds sort alike only as times.
    let when = |event: &&Event| event.last.parse::<k8s_openapi::jiff::Timestamp>().ok();
    events.sort_by_cached_key(|event| Reverse((when(event), event.order.clone())));
    events.truncate(most);
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_and_new_events_are_read() {
        let json = r#"{"items":[
            {"metadata":{"uid":"1"},"involvedObject":{"kind":"Pod","name":"a","uid":"x"},
             "reason":"Pulled","type":"Normal","message":"m","count":3,
             "lastTimestamp":"2026-01-01T00:00:05Z","eventTime":null},
            {"metadata":{"uid":"2","creationTimestamp":"2026-01-01T00:00:00Z"},"series":null,
             "involvedObject":{},"lastTimestamp":null,"eventTime":"2026-01-01T00:00:05.500000Z"},
            {"metadata":{"uid":"3"},"eventTime":"2026-01-01T00:00:00.000001Z",
             "series":{"count":9,"lastObservedTime":"2026-01-01T00:00:04.000000Z"}}]}"#;
        let events = reader().page(json.as_bytes()).unwrap().items;
        let order: Vec<(&str, i64)> = latest(events.iter(), 2)
            .into_iter()
            .map(|event| (event.uid.as_str(), event.count))
            .collect();
        assert_eq!(order, [("2", 1), ("1", 3)]);
        assert_eq!((events[0].about.as_str(), events[2].count), ("Pod/a", 9));
    }
}
