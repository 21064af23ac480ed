//! The Table of a Scale (`printScale` in pkg/printers/internalversion; for custom resources
//! `pkg/apiserver/helpers.go` of apiextensions-apiserver).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::row::{Row, cells};
use crate::sandbox::memory::catalog::catalog;

const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const SCALE: &str = "io.k8s.api.autoscaling.v1.Scale";

/// Name, Desired, Available, Age: `columnDefinitions`.
pub fn columns(is_custom: bool) -> Value {
    let of = |place: String| catalog().description_of(&place).unwrap_or_default();
    let (name, age) = (
        of(format!("{METADATA}.name")),
        of(format!("{METADATA}.creationTimestamp")),
    );
    let (desired, available) = match is_custom {
        true => (
            "Number of desired replicas".to_owned(),
            "Number of actual replicas".to_owned(),
        ),
        false => (
            of(format!("{SCALE}Spec.replicas")),
            of(format!("{SCALE}Status.replicas")),
        ),
    };
    let (name_format, age_type) = match is_custom {
        true => ("name", "date"),
        false => ("", "string"),
    };
    let column = |name: &str, type_: &str, format: &str, description: String| {
        json!({
            "name": name,
            "type": type_,
            "format": format,
            "description": description,
            "priority": 0,
        })
    };
    json!([
        column("Name", "string", name_format, name),
        column("Desired", "integer", "", desired),
        column("Available", "integer", "", available),
        column("Age", age_type, "", age),
    ])
}

/// The row of a Scale: `{"cells": [...]}`.
pub fn row(scale: &Value, now: Timestamp) -> Value {
    let row = Row { object: scale, now };
    let cells = cells![
        row.name(),
        row.int("spec.replicas"),
        row.int("status.replicas"),
        row.age(),
    ];
    json!({ "cells": cells })
}
