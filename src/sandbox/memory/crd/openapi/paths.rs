//! The paths of a resource.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::{META, Published, REF};
use crate::sandbox::memory::catalog::catalog;

const BODIES: [&str; 2] = ["application/json", "application/yaml"];
const PATCHES: [&str; 3] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
];

/// Parameters of what can be done, as those of a built-in resource: they are the same everywhere.
#[derive(Default)]
struct Parameters {
    pretty: Value,
    namespace: Value,
    list: Vec<Value>,
    get: Vec<Value>,
    post: Vec<Value>,
    put: Vec<Value>,
    patch: Vec<Value>,
    delete: Vec<Value>,
}

/// What is done at a path.
struct Operation<'a> {
    /// Of HTTP, in lower case
    method: &'a str,
    /// `x-kubernetes-action`
    action: &'a str,
    /// As descriptions and operations name it
    verb: &'a str,
    /// What is answered, by the name of its schema
    answer: String,
}

impl Published<'_> {
    /// Adds its paths.
    pub(super) fn paths(&self, paths: &mut Map<String, Value>) {
        let base = format!("/apis/{}/{}", self.group, self.version);
        let (kind, list) = (self.model(self.kind), self.model(self.list_kind));
        let operation = |method, action, verb, answer: &str| Operation {
            method,
            action,
            verb,
            answer: answer.to_owned(),
        };
        let status = format!("{META}.Status");
        let mut root = format!("{base}/{}", self.plural);
        if self.namespaced {
            let listing = operation("get", "list", "list", &list);
            paths.insert(root, self.item("", false, &[listing], "ForAllNamespaces"));
            root = format!("{base}/namespaces/{{namespace}}/{}", self.plural);
        }
        let own = self.namespaced;
        let all = [
            operation("delete", "deletecollection", "deletecollection", &status),
            operation("get", "list", "list", &list),
            operation("post", "post", "create", &kind),
        ];
        paths.insert(root.clone(), self.item("", own, &all, ""));
        let changes = |answer: &str| {
            [
                operation("get", "get", "read", answer),
                operation("patch", "patch", "patch", answer),
                operation("put", "put", "replace", answer),
            ]
        };
        let mut one = vec![operation("delete", "delete", "delete", &status)];
        one.extend(changes(&kind));
        root.push_str("/{name}");
        paths.insert(root.clone(), self.item("", own, &one, ""));
        if self.has_status {
            let item = self.item("status", own, &changes(&kind), "");
            paths.insert(format!("{root}/status"), item);
        }
        if self.has_scale {
            let changes = changes("io.k8s.api.autoscaling.v1.Scale");
            paths.insert(
                format!("{root}/scale"),
                self.item("scale", own, &changes, ""),
            );
        }
    }

    /// A path's item. Parameters that all operations have stand once.
    fn item(
        &self,
        subresource: &str,
        in_namespace: bool,
        operations: &[Operation<'_>],
        suffix: &str,
    ) -> Value {
        let parameters = parameters();
        let has_name = operations.iter().any(|operation| operation.method == "put");
        let mut common = Vec::new();
        if has_name {
            common.push(json!({
                "name": "name",
                "in": "path",
                "description": format!("name of the {}", self.kind),
                "required": true,
                "schema": {"type": "string", "uniqueItems": true},
            }));
        }
        if in_namespace {
            common.push(parameters.namespace.clone());
        }
        common.push(parameters.pretty.clone());
        let mut item = Map::new();
        for operation in operations {
            let mut written = self.operation(subresource, in_namespace, operation, suffix);
            let own = parameters.of(operation.action);
            if operations.len() == 1 {
                common.extend_from_slice(own);
            } else {
                written["parameters"] = json!(own);
            }
            item.insert(operation.method.to_owned(), written);
        }
        common.sort_by(|a, b| a["name"].as_str().cmp(&b["name"].as_str()));
        item.insert("parameters".to_owned(), Value::Array(common));
        Value::Object(item)
    }

    fn operation(
        &self,
        subresource: &str,
        in_namespace: bool,
        operation: &Operation<'_>,
        suffix: &str,
    ) -> Value {
        let (verb, action) = (operation.verb, operation.action);
        let namespaced = if in_namespace { "Namespaced" } else { "" };
        // The word of a collection's deletion begins with that of one object's.
        let (prefix, rest) = match verb {
            "deletecollection" => ("delete", "Collection"),
            verb => (verb, ""),
        };
        let group = self.group.strip_suffix(".k8s.io").unwrap_or(self.group);
        let id = format!(
            "{prefix}{}{}{rest}{namespaced}{}{suffix}{}",
            word(group, true),
            word(self.version, true),
            word(self.kind, true),
            word(subresource, true),
        );
        let content = |types: &[&str], model: &str| -> Value {
            let schema = json!({"schema": {"$ref": format!("{REF}{model}")}});
            types
                .iter()
                .map(|type_| ((*type_).to_owned(), schema.clone()))
                .collect::<Map<_, _>>()
                .into()
        };
        let mut responses = Map::new();
        let mut answer = |code: &str, description: &str| {
            let content = content(&BODIES, &operation.answer);
            responses.insert(
                code.to_owned(),
                json!({"description": description, "content": content}),
            );
        };
        answer("200", "OK");
        if matches!(action, "post" | "put") {
            answer("201", "Created");
        }
        if matches!(action, "post" | "delete") {
            answer("202", "Accepted");
        }
        responses.insert("401".to_owned(), json!({"description": "Unauthorized"}));
        let mut written = json!({
            "tags": [format!("{}_{}", word(group, false), word(self.version, false))],
            "description": self.description(subresource, verb),
            "operationId": id,
            "responses": responses,
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind":
                {"group": self.group, "kind": self.kind, "version": self.version},
        });
        let body = match action {
            "post" | "put" => Some((content(&BODIES, &operation.answer), true)),
            "patch" => Some((content(&PATCHES, &format!("{META}.Patch")), true)),
            "delete" => Some((content(&BODIES, &format!("{META}.DeleteOptions")), false)),
            _ => None,
        };
        if let Some((content, is_required)) = body {
            written["requestBody"] = json!({"content": content});
            if is_required {
                written["requestBody"]["required"] = json!(true);
            }
        }
        written
    }

    fn description(&self, subresource: &str, verb: &str) -> String {
        let kind = self.kind;
        let of = match subresource {
            "" => String::new(),
            subresource => format!(" {subresource} of"),
        };
        match verb {
            "list" => format!("list{of} objects of kind {kind}"),
            "read" | "replace" => format!("{verb}{of} the specified {kind}"),
            "patch" => format!("partially update{of} the specified {kind}"),
            "deletecollection" => format!("delete collection of {kind}"),
            verb => format!("{verb}{of} {}{kind}", article(kind)),
        }
    }
}

/// `a ` or `an `; none before plurals.
fn article(noun: &str) -> &'static str {
    if noun.ends_with('s') && !noun.ends_with("ss") {
        ""
    } else if noun.starts_with(|c: char| "aeiou".contains(c.to_ascii_lowercase())) {
        "an "
    } else {
        "a "
    }
}

/// A name in the form of an operation's: `a.example` as `aExample`.
fn word(name: &str, mut is_capital: bool) -> String {
    let mut out = String::new();
    for (at, c) in name.char_indices() {
        if !(c.is_alphabetic() || c == '_' || (at != 0 && c.is_numeric())) {
            is_capital = true;
        } else if is_capital {
            out.extend(c.to_uppercase());
            is_capital = false;
        } else {
            out.push(c);
        }
    }
    out
}

impl Parameters {
    fn of(&self, action: &str) -> &[Value] {
        match action {
            "list" | "deletecollection" => &self.list,
            "get" => &self.get,
            "post" => &self.post,
            "put" => &self.put,
            "patch" => &self.patch,
            "delete" => &self.delete,
            _ => &[],
        }
    }
}

/// See [`Parameters`]; taken from Leases, which have no others.
fn parameters() -> &'static Parameters {
    static PARAMETERS: OnceLock<Parameters> = OnceLock::new();
    PARAMETERS.get_or_init(|| {
        let document = catalog()
            .openapi_document("apis/coordination.k8s.io/v1")
            .unwrap_or_default();
        let all = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases";
        let (all, one) = (
            &document["paths"][all],
            &document["paths"][format!("{all}/{{name}}")],
        );
        let own = |item: &Value, method: &str| -> Vec<Value> {
            item[method]["parameters"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        };
        let common = |name: &str| {
            let common = one["parameters"].as_array().into_iter().flatten();
            common
                .into_iter()
                .find(|known| known["name"] == name)
                .cloned()
                .unwrap_or_default()
        };
        let list = own(all, "get");
        Parameters {
            pretty: common("pretty"),
            namespace: common("namespace"),
            get: list
                .iter()
                .filter(|one| one["name"] == "resourceVersion")
                .cloned()
                .collect(),
            list,
            post: own(all, "post"),
            put: own(one, "put"),
            patch: own(one, "patch"),
            delete: own(one, "delete"),
        }
    })
}
