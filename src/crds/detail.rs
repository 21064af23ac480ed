//! One CRD in detail, as a page for people.

use jiff::Timestamp;

use crate::output::table::View;
use crate::output::{Cell, Column, Page, Paint, Printer, Table, time, tree};
use crate::schema::Field;

use super::backend::Backend;
use super::model::{ARGO_TRACKING, Crd, HELM_NAMESPACE, HELM_RELEASE, Version};
use super::problems::Problem;
use super::state::State;
use super::{stored, table};

/// How many objects there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objects {
    /// So many
    Count(u64),
    /// More than so many
    MoreThan(u64),
    /// It cannot be told, and why
    Unknown(String),
}

/// All that is known of a CRD.
pub struct Detail<'a> {
    /// The CRD
    pub crd: &'a Crd,
    /// Its objects
    pub objects: Objects,
    /// Who answers its conversion webhook, if it has one
    pub backend: Option<Backend>,
    /// What is wrong
    pub problems: Vec<Problem>,
    /// The version to show in detail
    pub version: Option<&'a Version>,
    /// That version's schema, if it has one
    pub schema: Option<&'a Field>,
}

impl Detail<'_> {
    /// The page.
    pub fn text(&self, printer: Printer, now: Timestamp) -> String {
        let mut page = Page::new(printer);
        self.head(&mut page, now);
        self.problems(&mut page);
        self.versions(&mut page, printer);
        self.migration(&mut page);
        self.conditions(&mut page, printer, now);
        if let Some(version) = self.version {
            self.version(&mut page, printer, version);
        }
        page.finish()
    }

    fn head(&self, page: &mut Page, now: Timestamp) {
        let crd = self.crd;
        let names = &crd.spec.names;
        page.field("Name", crd.name());
        page.field("Kind", &names.kind);
        page.field("List kind", &names.list_kind);
        page.field("Singular", &names.singular);
        page.field("Short names", &names.short_names.join(", "));
        page.field("Categories", &names.categories.join(", "));
        page.field("Scope", &crd.spec.scope);
        let created = crd.metadata.creation_timestamp.as_deref();
        page.field("Age", &time::age(created, now));
        page.field("Established", &State::of(crd).text());
        page.field("Objects", &self.objects.text());
        page.field("Conversion", &self.conversion());
        page.field("Managers", &crd.managers().join(", "));
        page.field("Installed by", &installer(crd).join(", "));
    }

    fn conversion(&self) -> String {
        let mut text = match self.crd.spec.conversion.strategy.as_str() {
            "" | "None" => "None: versions differ in apiVersion alone".to_owned(),
            _ => table::conversion(self.crd),
        };
        match &self.backend {
            Some(Backend::Ready(1)) => text.push_str(", 1 endpoint ready"),
            Some(Backend::Ready(count)) => text.push_str(&format!(", {count} endpoints ready")),
            Some(Backend::NotReady(why)) => text.push_str(&format!(": {why}")),
            Some(Backend::Unknown(why)) => {
                text.push_str(&format!("; whether it answers is unknown: {why}"));
            }
            None => {}
        }
        text
    }

    fn problems(&self, page: &mut Page) {
        if self.problems.is_empty() {
            return;
        }
        page.heading("Problems");
        for problem in &self.problems {
            page.paragraph(&format!(
                "- {}: {}. {}",
                problem.kind.text(),
                problem.message,
                problem.advice
            ));
        }
    }

    fn versions(&self, page: &mut Page, printer: Printer) {
        let crd = self.crd;
        let mut versions = Table::new([
            Column::new("VERSION"),
            Column::new("SERVED"),
            Column::new("STORAGE"),
            Column::new("STORED"),
            Column::new("SUBRESOURCES"),
            Column::new("DEPRECATED"),
        ])
        .wide(true);
        let yes = |on: bool| Cell::from(if on { "yes" } else { "no" });
        for version in crd.versions_by_priority() {
            let stored = crd.status.stored_versions.contains(&version.name);
            let deprecated = match (version.deprecated, &version.deprecation_warning) {
                (false, _) => Cell::from("no"),
                (true, None) => Cell::from("yes").paint(Paint::Warn),
                (true, Some(why)) => Cell::from(format!("yes: {why}")).paint(Paint::Warn),
            };
            let subresources = version.subresource_names().join(",");
            versions.row([
                Cell::from(version.name.as_str()).paint(Paint::Strong),
                yes(version.served),
                yes(version.storage),
                yes(stored),
                Cell::from(if subresources.is_empty() {
                    "<none>".to_owned()
                } else {
                    subresources
                }),
                deprecated,
            ]);
        }
        page.heading("Versions");
        draw(page, printer, &versions);
    }

    fn migration(&self, page: &mut Page) {
        let left = stored::left(self.crd);
        if left.is_empty() {
            return;
        }
        let versions: Vec<&str> = left.iter().map(|l| l.version.as_str()).collect();
        page.heading("Stored versions to be moved");
        page.paragraph(&format!(
            "Objects may still be stored as {}; whether any are, only etcd knows. As long as \
             status.storedVersions says so, such a version cannot be removed from the CRD.",
            versions.join(", ")
        ));
        for (at, step) in stored::migration(self.crd).iter().enumerate() {
            page.paragraph(&format!("{}. {}", at + 1, step.what));
            page.line(&format!("   {}", step.command));
        }
    }

    fn conditions(&self, page: &mut Page, printer: Printer, now: Timestamp) {
        if self.crd.status.conditions.is_empty() {
            return;
        }
        let mut conditions = Table::new([
            Column::new("CONDITION"),
            Column::new("STATUS"),
            Column::new("SINCE"),
            Column::new("REASON"),
            Column::new("MESSAGE"),
        ])
        .wide(true);
        for condition in &self.crd.status.conditions {
            let since = time::age(condition.last_transition_time.as_deref(), now);
            conditions.row([
                Cell::from(condition.type_.as_str()),
                Cell::from(condition.status.as_str()),
                Cell::from(since),
                Cell::from(condition.reason.as_str()),
                Cell::from(condition.message.as_str()),
            ]);
        }
        page.heading("Conditions");
        draw(page, printer, &conditions);
    }

    fn version(&self, page: &mut Page, printer: Printer, version: &Version) {
        let name = &version.name;
        if let Some(scale) = &version.subresources.scale {
            page.heading(&format!("Scale of {name}"));
            page.line(&format!("wanted    {}", scale.spec_replicas_path));
            page.line(&format!("present   {}", scale.status_replicas_path));
            if !scale.label_selector_path.is_empty() {
                page.line(&format!("selector  {}", scale.label_selector_path));
            }
        }
        if !version.additional_printer_columns.is_empty() {
            let mut columns = Table::new([
                Column::new("COLUMN"),
                Column::new("TYPE"),
                Column::new("WIDE"),
                Column::new("PATH"),
                Column::new("DESCRIPTION"),
            ])
            .wide(true);
            for column in &version.additional_printer_columns {
                columns.row([
                    Cell::from(column.name.as_str()),
                    Cell::from(column.type_.as_str()),
                    Cell::from(if column.priority > 0 { "yes" } else { "no" }),
                    Cell::from(column.json_path.as_str()),
                    Cell::from(column.description.as_str()),
                ]);
            }
            page.heading(&format!("Printer columns of {name}"));
            draw(page, printer, &columns);
        }
        if !version.selectable_fields.is_empty() {
            page.heading(&format!("Selectable fields of {name}"));
            for field in &version.selectable_fields {
                page.line(&field.json_path);
            }
        }
        let others: Vec<&str> = self
            .crd
            .versions_by_priority()
            .iter()
            .map(|v| v.name.as_str())
            .filter(|other| other != name)
            .collect();
        let more = match others.as_slice() {
            [] => String::new(),
            others => format!(" (--api-version for {})", others.join(", ")),
        };
        page.heading(&format!("Schema of {name}{more}"));
        match self.schema {
            None => page.line("<none>"),
            Some(schema) => {
                let fields = super::tree::fields(schema);
                if fields.is_empty() {
                    page.line(match schema.preserve_unknown {
                        true => "It names no fields and keeps whatever it is given.",
                        false => "It names no fields: whatever it is given is dropped.",
                    });
                }
                // Nothing is cut: what holds for a field is what the page is for.
                page.drawn(&tree::render(&fields, None, printer.stdout_is_colored()));
            }
        }
    }
}

impl Objects {
    /// For a person.
    pub fn text(&self) -> String {
        match self {
            Objects::Count(count) => count.to_string(),
            Objects::MoreThan(count) => format!("more than {count}"),
            Objects::Unknown(why) => format!("unknown: {why}"),
        }
    }
}

/// Who put it there, as far as its marks tell.
fn installer(crd: &Crd) -> Vec<String> {
    let metadata = &crd.metadata;
    let mut found = Vec::new();
    let annotation = |key: &str| metadata.annotations.get(key);
    if let Some(release) = annotation(HELM_RELEASE) {
        let namespace = annotation(HELM_NAMESPACE).map_or("?", String::as_str);
        found.push(format!("the Helm release {namespace}/{release}"));
    }
    if let Some(id) = annotation(ARGO_TRACKING) {
        let application = id.split(':').next().unwrap_or_default();
        found.push(format!("the Argo CD application {application}"));
    }
    if let Some(by) = metadata.labels.get("app.kubernetes.io/managed-by") {
        found.push(format!("{by} (its label managed-by)"));
    }
    let owners = metadata.owner_references.iter();
    found.extend(owners.map(|owner| format!("{} {}", owner.kind, owner.name)));
    found
}

fn draw(page: &mut Page, printer: Printer, table: &Table) {
    let view = View {
        width: printer.width().map(|width| width.saturating_sub(2)),
        color: printer.stdout_is_colored(),
        headers: true,
    };
    page.drawn(&table.render(&view).text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crds::problems::{Context, problems};
    use crate::crds::testing::crd;
    use crate::output::ColorChoice;

    fn page(crd: &Crd, backend: Option<Backend>) -> String {
        let detail = Detail {
            crd,
            objects: Objects::Count(3),
            backend,
            problems: problems(crd, &Context::default()),
            version: crd.version_to_ask(),
            schema: None,
        };
        let now = "2026-01-03T00:00:00Z".parse().unwrap();
        detail.text(Printer::new(ColorChoice::Never), now)
    }

    #[test]
    fn a_page_says_what_to_do_about_stored_versions() {
        let crd = crd("moves.b.c")
            .version("v1beta1 unserved")
            .version("v1 storage")
            .stored(&["v1beta1", "v1"])
            .established()
            .done();
        let text = page(&crd, None);
        for part in [
            "Name:         moves.b.c\n",
            "Objects:      3\n",
            "StoredVersionNotServed: ",
            "kubectl get moves.v1.b.c",
            "-d '{\"status\":{\"storedVersions\":[\"v1\"]}}'",
            "Schema of v1 (--api-version for v1beta1):\n  <none>\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in:\n{text}");
        }
    }

    #[test]
    fn hostile_text_is_harmless() {
        let crd = crd("moves.b.c")
            .version("v1 storage")
            .condition("Established", "False", "\u{1b}[2J", "a\nb\u{202e}")
            .manager("\u{1b}]0;title\u{7}")
            .done();
        let text = page(&crd, None);
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
    }

    #[test]
    fn the_backend_is_told_with_the_conversion() {
        let crd = crd("a.b").webhook("ns", "conv").done();
        let text = page(&crd, Some(Backend::NotReady("it is gone".into())));
        assert!(
            text.contains("Conversion:   Webhook(ns/conv): it is gone\n"),
            "{text}"
        );
    }

    #[test]
    fn marks_of_deployment_tools_are_read() {
        let mut crd = crd("a.b").done();
        let marks = [(HELM_RELEASE, "shop"), (HELM_NAMESPACE, "web")];
        crd.metadata.annotations = marks.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        assert_eq!(installer(&crd), ["the Helm release web/shop"]);
    }
}
