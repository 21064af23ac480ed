//! A definition as the real server holds it: what all versions have in common stands once, at the
//! top. Errors name fields of this form, such as `spec.validation.openAPIV3Schema`.

use serde_json::Value;

use super::super::schema::{self, Schema, Writer};

/// `spec` of a CustomResourceDefinition, in the internal form.
#[derive(Debug, Default)]
pub(crate) struct Spec {
    pub(super) group: String,
    pub(super) names: Names,
    pub(super) scope: String,
    pub(super) common: Parts,
    pub(super) versions: Vec<Version>,
    pub(super) conversion: Option<Conversion>,
    pub(super) preserve_unknown_fields: bool,
}

/// What each version may have for itself.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Parts {
    pub(super) validation: Option<Validation>,
    pub(super) subresources: Option<Subresources>,
    pub(super) columns: Vec<Column>,
    pub(super) selectable_fields: Vec<String>,
}

/// `schema`, which may be there without a schema in it.
#[derive(Debug, PartialEq)]
pub(super) struct Validation {
    pub(super) schema: Option<Schema>,
}

#[derive(Debug, Default)]
pub(super) struct Version {
    pub(super) name: String,
    pub(super) served: bool,
    pub(super) storage: bool,
    pub(super) deprecated: bool,
    pub(super) deprecation_warning: Option<String>,
    pub(super) parts: Parts,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Names {
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) categories: Vec<String>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Subresources {
    pub(super) status: bool,
    pub(super) scale: Option<Scale>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) spec_replicas: String,
    pub(crate) status_replicas: String,
    pub(crate) label_selector: Option<String>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) type_: String,
    pub(crate) format: String,
    pub(crate) description: String,
    pub(crate) priority: i64,
    pub(crate) json_path: String,
}

#[derive(Debug)]
pub(super) struct Conversion {
    pub(super) strategy: String,
    pub(super) has_client_config: bool,
    pub(super) has_review_versions: bool,
}

impl Spec {
    /// The spec of that definition; `None` when a schema is nested too deeply.
    pub(crate) fn read(definition: &Value) -> Option<Self> {
        let spec = &definition["spec"];
        let versions = spec["versions"].as_array().into_iter().flatten();
        let mut versions = versions.map(Version::read).collect::<Option<Vec<_>>>()?;
        let mut common = Parts::default();
        if let Some((first, others)) = versions.split_first_mut() {
            let same = |is: &dyn Fn(&Parts, &Parts) -> bool| {
                others.iter().all(|other| is(&other.parts, &first.parts))
            };
            let same_validation = same(&|a, b| a.validation == b.validation);
            let same_subresources = same(&|a, b| a.subresources == b.subresources);
            let same_columns = same(&|a, b| a.columns == b.columns);
            let same_fields = same(&|a, b| a.selectable_fields == b.selectable_fields);
            // The first version's, because it was compared last and is equal to the others.
            for version in others.iter_mut().chain([first]) {
                let parts = &mut version.parts;
                if same_validation {
                    common.validation = parts.validation.take();
                }
                if same_subresources {
                    common.subresources = parts.subresources.take();
                }
                if same_columns {
                    common.columns = std::mem::take(&mut parts.columns);
                }
                if same_fields {
                    common.selectable_fields = std::mem::take(&mut parts.selectable_fields);
                }
            }
        }
        Some(Spec {
            group: text(&spec["group"]),
            names: Names::read(&spec["names"]),
            scope: text(&spec["scope"]),
            common,
            versions,
            conversion: Conversion::read(&spec["conversion"]),
            preserve_unknown_fields: spec["preserveUnknownFields"] == true,
        })
    }

    /// All schemas.
    pub(super) fn schemas(&self) -> impl Iterator<Item = &Schema> {
        let own = self.versions.iter().map(|version| &version.parts);
        [&self.common]
            .into_iter()
            .chain(own)
            .filter_map(|parts| parts.validation.as_ref()?.schema.as_ref())
    }

    /// The versions as JSON of Go's internal type.
    pub(super) fn show_versions(&self) -> String {
        let versions: Vec<String> = self.versions.iter().map(Version::show).collect();
        format!("[{}]", versions.join(","))
    }
}

impl Version {
    fn read(version: &Value) -> Option<Self> {
        Some(Version {
            name: text(&version["name"]),
            served: version["served"] == true,
            storage: version["storage"] == true,
            deprecated: version["deprecated"] == true,
            deprecation_warning: version["deprecationWarning"].as_str().map(str::to_owned),
            parts: Parts::read(version)?,
        })
    }

    fn show(&self) -> String {
        let mut out = Writer::new();
        out.text("Name", &self.name);
        out.raw("Served", self.served);
        out.raw("Storage", self.storage);
        out.raw("Deprecated", self.deprecated);
        out.optional_text("DeprecationWarning", self.deprecation_warning.as_deref());
        let parts = &self.parts;
        out.optional(
            "Schema",
            parts.validation.as_ref().map(|validation| {
                let mut out = Writer::new();
                let schema = validation.schema.as_ref().map(Schema::show);
                out.optional("OpenAPIV3Schema", schema);
                out.end()
            }),
        );
        out.optional(
            "Subresources",
            parts.subresources.as_ref().map(Subresources::show),
        );
        out.list("AdditionalPrinterColumns", &parts.columns, Column::show);
        out.list("SelectableFields", &parts.selectable_fields, |path| {
            let mut out = Writer::new();
            out.text("JSONPath", path);
            out.end()
        });
        out.end()
    }
}

impl Parts {
    fn read(version: &Value) -> Option<Self> {
        let columns = version["additionalPrinterColumns"].as_array();
        let fields = version["selectableFields"].as_array();
        Some(Parts {
            validation: match version.get("schema") {
                Some(Value::Object(validation)) => Some(Validation {
                    schema: match validation.get("openAPIV3Schema") {
                        Some(json @ Value::Object(_)) => Some(schema::read(json)?),
                        _ => None,
                    },
                }),
                _ => None,
            },
            subresources: version["subresources"]
                .is_object()
                .then(|| Subresources::read(&version["subresources"])),
            columns: columns.into_iter().flatten().map(Column::read).collect(),
            selectable_fields: fields
                .into_iter()
                .flatten()
                .map(|field| text(&field["jsonPath"]))
                .collect(),
        })
    }
}

impl Names {
    pub(crate) fn read(names: &Value) -> Self {
        Names {
            plural: text(&names["plural"]),
            singular: text(&names["singular"]),
            short_names: texts(&names["shortNames"]),
            kind: text(&names["kind"]),
            list_kind: text(&names["listKind"]),
            categories: texts(&names["categories"]),
        }
    }
}

impl Subresources {
    fn read(subresources: &Value) -> Self {
        let scale = &subresources["scale"];
        Subresources {
            status: subresources["status"].is_object(),
            scale: Scale::read(scale),
        }
    }

    fn show(&self) -> String {
        let mut out = Writer::new();
        out.optional("Status", self.status.then_some("{}"));
        let scale = self.scale.as_ref().map(|scale| {
            let mut out = Writer::new();
            out.text("SpecReplicasPath", &scale.spec_replicas);
            out.text("StatusReplicasPath", &scale.status_replicas);
            out.optional_text("LabelSelectorPath", scale.label_selector.as_deref());
            out.end()
        });
        out.optional("Scale", scale);
        out.end()
    }
}

impl Scale {
    pub(crate) fn read(scale: &Value) -> Option<Self> {
        scale.is_object().then(|| Scale {
            spec_replicas: text(&scale["specReplicasPath"]),
            status_replicas: text(&scale["statusReplicasPath"]),
            label_selector: scale["labelSelectorPath"].as_str().map(str::to_owned),
        })
    }
}

impl Column {
    pub(crate) fn read(column: &Value) -> Self {
        Column {
            name: text(&column["name"]),
            type_: text(&column["type"]),
            format: text(&column["format"]),
            description: text(&column["description"]),
            priority: column["priority"].as_i64().unwrap_or_default(),
            json_path: text(&column["jsonPath"]),
        }
    }

    fn show(&self) -> String {
        let mut out = Writer::new();
        out.text("Name", &self.name);
        out.text("Type", &self.type_);
        out.text("Format", &self.format);
        out.text("Description", &self.description);
        out.raw("Priority", self.priority);
        out.text("JSONPath", &self.json_path);
        out.end()
    }
}

impl Conversion {
    fn read(conversion: &Value) -> Option<Self> {
        let webhook = &conversion["webhook"];
        let reviews = webhook["conversionReviewVersions"].as_array();
        conversion.is_object().then(|| Conversion {
            strategy: text(&conversion["strategy"]),
            has_client_config: webhook["clientConfig"].is_object(),
            has_review_versions: reviews.is_some_and(|reviews| !reviews.is_empty()),
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.map(text).collect()
}
