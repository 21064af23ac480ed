//! The subresource `scale` (`ScaleREST` in `pkg/registry/customresource/etcd.go`).

use serde_json::{Map, Value, json};

use super::super::definition::Scale;
use super::super::go;
use super::{Version, nested};
use crate::sandbox::memory::status::Status;

/// The number of replicas of a Scale whose object has none. Whoever changes the Scale sees it.
pub const NOT_SET: i64 = i32::MIN as i64;

impl Version {
    /// The Scale of an object, an autoscaling/v1 Scale without managedFields.
    ///
    /// # Errors
    /// 404 when there is no such subresource; 500 when the object has no number of replicas, or
    /// something else in its place.
    pub fn scale_of(&self, object: &Value) -> Result<Value, Status> {
        let (scale, has_replicas) = self.to_scale(object)?;
        if !has_replicas {
            let path = go::quote(&self.paths()?.spec_replicas);
            let problem = format!("the spec replicas field {path} does not exist");
            return Err(Status::internal(problem));
        }
        Ok(scale)
    }

    /// The same for a change of the Scale, and for what the change answers: an object without a
    /// number of replicas has [`NOT_SET`] before, and none after.
    ///
    /// # Errors
    /// As for [`scale_of`](Self::scale_of), but not when the number is missing.
    pub fn scale_to_change(&self, object: &Value) -> Result<Value, Status> {
        let (mut scale, has_replicas) = self.to_scale(object)?;
        if !has_replicas {
            scale["spec"]["replicas"] = json!(NOT_SET);
        }
        Ok(scale)
    }

    /// The object with what a Scale asks for: its number of replicas, and its version, on which the
    /// write relies where there is one.
    ///
    /// # Errors
    /// 400 when the number is missing, 500 when there is no place for it.
    pub fn with_scale(&self, object: &Value, scale: &Value) -> Result<Value, Status> {
        let path = &self.paths()?.spec_replicas;
        let replicas = scale["spec"]["replicas"].as_i64().unwrap_or_default();
        if replicas == NOT_SET {
            let path = go::quote(path);
            let problem = format!("the spec replicas field {path} cannot be empty");
            return Err(Status::bad_request(problem));
        }
        let mut object = object.clone();
        nested::set(&mut object, path, json!(replicas)).map_err(unknown)?;
        let version = scale["metadata"]["resourceVersion"]
            .as_str()
            .unwrap_or_default();
        if let Value::Object(metadata) = &mut object["metadata"]
            && !version.is_empty()
        {
            metadata.insert("resourceVersion".to_owned(), json!(version));
        }
        Ok(object)
    }

    /// Where the number of replicas is in each version, by apiVersion, such as `["spec",
    /// "replicas"]`; `None` for versions without that subresource. Who manages it is told by these.
    pub fn replica_paths(&self) -> Vec<(String, Option<Vec<&str>>)> {
        let shapes = self.family.shapes.iter();
        let paths = shapes.map(|shape| {
            let path = shape
                .scale
                .as_ref()
                .map(|scale| nested::steps(&scale.spec_replicas));
            (self.family.api_version(&shape.version), path)
        });
        paths.collect()
    }

    fn paths(&self) -> Result<&Scale, Status> {
        self.shape().scale.as_ref().ok_or_else(Status::no_such_path)
    }

    fn to_scale(&self, object: &Value) -> Result<(Value, bool), Status> {
        let paths = self.paths()?;
        let replicas = nested::integer(object, &paths.spec_replicas).map_err(unknown)?;
        let actual = nested::integer(object, &paths.status_replicas).map_err(unknown)?;
        let selector = match &paths.label_selector {
            Some(path) => nested::text(object, path).map_err(unknown)?,
            None => None,
        };
        let mut metadata = Map::new();
        for field in [
            "name",
            "namespace",
            "uid",
            "resourceVersion",
            "creationTimestamp",
        ] {
            if let Some(value) = object["metadata"].get(field) {
                metadata.insert(field.to_owned(), value.clone());
            }
        }
        let mut scale = json!({
            "kind": "Scale",
            "apiVersion": "autoscaling/v1",
            "metadata": metadata,
            "spec": {},
            "status": {"replicas": int32(actual)},
        });
        if int32(replicas) != 0 {
            scale["spec"]["replicas"] = json!(int32(replicas));
        }
        if let Some(selector) = selector.filter(|selector| !selector.is_empty()) {
            scale["status"]["selector"] = json!(selector);
        }
        Ok((scale, replicas.is_some()))
    }
}

/// What Go makes of a number that is too large for an int32.
#[expect(clippy::cast_possible_truncation)]
fn int32(number: Option<i64>) -> i32 {
    number.unwrap_or_default() as i32
}

/// An error that the real server did not foresee: 500 without a reason.
fn unknown(problem: String) -> Status {
    Status::new(500, "", problem)
}
