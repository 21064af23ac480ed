//! `appop uninstall`: what `appop install` made, taken away again.

use std::process::ExitCode;

use super::Context;
use super::exit::PARTIAL;
use super::install::dry_run::DryRun;
use super::install::found::{self, Found, Live, is_ours, uid};
use super::install::manifests::NAMESPACE;
use super::install::namespace;
use super::install::object::{Id, Kind};
use super::install::request::{self, get};
use crate::cluster::Server;
use crate::output::progress::Progress;
use crate::output::{Format, Printer};

mod apps;

use apps::{Apps, Definition};

/// Arguments of `appop uninstall`.
#[derive(Debug, clap::Args)]
#[command(after_help = NOTES)]
pub struct Args {
    /// The operator's namespace
    #[arg(
        long, short, value_name = "NAME", default_value = NAMESPACE, value_parser = namespace,
        help_heading = None
    )]
    namespace: String,
    /// Remove the operator alone: the CustomResourceDefinition and the Apps stay, and so does what
    /// the Apps own
    #[arg(long, conflicts_with = "delete_apps")]
    keep_crd: bool,
    /// Delete all Apps of the cluster, and with them their Deployments and Services, and then the
    /// CustomResourceDefinition
    #[arg(long)]
    delete_apps: bool,
    /// Delete the operator's namespace too, with everything in it, if install made it
    #[arg(long)]
    delete_namespace: bool,
    /// Delete nothing: look alone, or with the server checking everything
    #[arg(
        long, value_enum, value_name = "MODE", default_value_t, hide_default_value = true,
        num_args = 0..=1, require_equals = true, default_missing_value = "client"
    )]
    dry_run: DryRun,
    /// Print nothing but the names of what is deleted
    #[arg(long, short, value_name = "FORMAT", value_parser = Format::parser([Format::Name]))]
    output: Option<Format>,
}

const NOTES: &str = "\
Examples:
  appop uninstall --dry-run                      what would be deleted
  appop uninstall                                when there are no Apps any more
  appop uninstall --keep-crd                     the operator alone; what runs goes on running
  appop uninstall --delete-apps --delete-namespace   everything

Only what bears the labels of install is deleted. With the CustomResourceDefinition go all Apps, and
with each App what it owns; so while there are Apps nothing is deleted, unless --keep-crd or
--delete-apps says what is to become of them. An App that somebody creates in the moment between the
last look and the deletion goes too: the server knows no deletion on condition that there are none.
While an operator is installed in another namespace, the CustomResourceDefinition stays.
Exit code 0 also when there was nothing to delete; 3 when some of it may not be looked at.";

const ONLY_ADMINISTRATORS: &str = "\
Nothing was deleted. The CustomResourceDefinition is for the whole cluster and is an administrator's to
delete; remove the operator alone with --keep-crd.";

/// What is to become of the CRD.
enum Fate {
    /// It is not there, or nobody asked, or it is not for us to delete; with why, where that is
    /// worth a word
    Stays(Option<String>),
    Goes(Definition),
}

impl Args {
    /// Deletes, or says what would be.
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<ExitCode> {
        let printer = context.printer;
        let server = context.connect()?;
        let progress = Progress::start(printer, "Looking at what is there");
        let found = Found::look(&server, &self.namespace, &[]).await;
        let found = found.map_err(|problem| match request::code(&problem) {
            Some(403) => anyhow::anyhow!("{problem}\nNothing was deleted."),
            _ => problem.into(),
        })?;
        let others = found::others(&server, &self.namespace).await?;
        let fate = self.fate(&server, others.iter().next()).await?;
        let home = self.home(&server).await?;
        drop(progress);
        let mut deleted = self.delete_operator(&server, printer, &found).await?;
        let fine = match fate {
            Fate::Goes(crd) => {
                deleted = true;
                self.delete_crd(&server, printer, &crd).await?
            }
            Fate::Stays(why) => {
                why.iter().for_each(|why| printer.note(why));
                true
            }
        };
        match home {
            Some(home) if self.delete_namespace => {
                deleted = true;
                self.delete(&server, printer, &home, "Background").await?;
            }
            Some(home) if deleted => printer.note(&format!(
                "{} stays, for there may be more in it; --delete-namespace deletes it.",
                home.id
            )),
            _ => {}
        }
        if !deleted {
            self.say_nothing_there(printer, others.iter().next());
        }
        Ok(match (fine, self.remark(printer, &found)) {
            (false, _) => ExitCode::FAILURE,
            (true, true) => ExitCode::SUCCESS,
            (true, false) => ExitCode::from(PARTIAL),
        })
    }

    /// Decides about the CRD before anything is deleted.
    ///
    /// Errors: there are Apps, and nobody has said what is to become of them.
    async fn fate(&self, server: &Server, other: Option<&String>) -> anyhow::Result<Fate> {
        if self.keep_crd {
            return Ok(Fate::Stays(None));
        }
        let crd =
            apps::definition(server)
                .await
                .map_err(|problem| match request::code(&problem) {
                    Some(403) => anyhow::anyhow!("{problem}\n{ONLY_ADMINISTRATORS}"),
                    _ => anyhow::Error::from(problem),
                })?;
        let Some(crd) = crd else {
            return Ok(Fate::Stays(None));
        };
        if !crd.is_ours {
            return Ok(Fate::Stays(Some(format!(
                "{} bears no label of appop install: it stays.",
                crd.live.id
            ))));
        }
        if self.delete_apps {
            return Ok(Fate::Goes(crd));
        }
        if let Some(other) = other {
            return Ok(Fate::Stays(Some(format!(
                "{} stays, for an operator is installed in namespace {other} too.",
                crd.live.id
            ))));
        }
        let apps = crd.apps(server, None).await?;
        if apps.are_none() {
            return Ok(Fate::Goes(crd));
        }
        Err(refusal(&crd.live.id, &apps))
    }

    /// The namespace, if install made it.
    ///
    /// Errors: it is to be deleted, and there are Apps in it that are not.
    async fn home(&self, server: &Server) -> anyhow::Result<Option<Live>> {
        let id = Id::wide(Kind::Namespace, &self.namespace);
        let live = match get(server, &id).await {
            // Who may not look at it will not delete it.
            Err(problem) if request::code(&problem) == Some(403) && !self.delete_namespace => None,
            live => live?,
        };
        let Some(live) = live.filter(is_ours) else {
            return Ok(None);
        };
        if self.delete_namespace
            && !self.delete_apps
            && let Some(crd) = apps::definition(server).await?
        {
            let apps = crd.apps(server, Some(&self.namespace)).await?;
            if !apps.are_none() {
                return Err(refusal(&id, &apps));
            }
        }
        Ok(Some(Live {
            id,
            uid: uid(&live),
        }))
    }

    /// The operator first, so that it does not work on with ever fewer rights. True if there was
    /// anything.
    async fn delete_operator(
        &self,
        server: &Server,
        printer: Printer,
        found: &Found,
    ) -> anyhow::Result<bool> {
        for live in &found.objects {
            if live.id.kind != Kind::Deployment {
                self.delete(server, printer, live, "Background").await?;
                continue;
            }
            self.delete(server, printer, live, "Foreground").await?;
            let _progress = Progress::start(printer, "Waiting until the operator has stopped");
            if self.dry_run == DryRun::None && !apps::is_gone(server, live).await? {
                printer.warn(&format!(
                    "{} is still being deleted, its pods with it.",
                    live.id
                ));
            }
        }
        // Not before the operator has stopped: it gives the lease back at the end.
        let lease = match found::lease(server, &self.namespace).await {
            Err(problem) if request::code(&problem) == Some(403) => None,
            lease => lease?,
        };
        if let Some(lease) = &lease {
            self.delete(server, printer, lease, "Background").await?;
        }
        Ok(!found.objects.is_empty() || lease.is_some())
    }

    /// False if it is still there when patience ends.
    async fn delete_crd(
        &self,
        server: &Server,
        printer: Printer,
        crd: &Definition,
    ) -> anyhow::Result<bool> {
        let apps = crd.apps(server, None).await?;
        if !apps.are_none() {
            if !self.delete_apps {
                anyhow::bail!(
                    "{} stays: since the first look somebody has created {}.\nThe operator is gone. \
                     Install it again, or delete the Apps too: appop uninstall --delete-apps",
                    crd.live.id,
                    apps.words()
                );
            }
            self.delete_all_apps(server, printer, crd, &apps).await?;
        }
        self.delete(server, printer, &crd.live, "Background")
            .await?;
        if self.dry_run != DryRun::None {
            return Ok(true);
        }
        let _progress = Progress::start(printer, "Waiting until the definition is gone");
        let is_gone = apps::is_gone(server, &crd.live).await?;
        if !is_gone {
            printer.error(&format!(
                "{} is still being deleted. An App with finalizers, or the definition's own, waits \
                 for whoever set them: appop crds {}",
                crd.live.id, crd.live.id.name
            ));
        }
        Ok(is_gone)
    }

    async fn delete_all_apps(
        &self,
        server: &Server,
        printer: Printer,
        crd: &Definition,
        apps: &Apps,
    ) -> anyhow::Result<()> {
        if self.dry_run != DryRun::Client {
            crd.delete_apps(server, self.dry_run.write()).await?;
        }
        if self.dry_run == DryRun::None {
            let waiting = "Waiting until the Apps are gone, and what they own";
            let _progress = Progress::start(printer, waiting);
            let left = crd.left(server).await?;
            if matches!(left, Apps::Seen { count: 1.., .. }) {
                anyhow::bail!(
                    "still being deleted: {}. So {} stays. Either the cluster is slow, and the same \
                     command later goes on from there; or finalizers wait for whoever set them: \
                     kubectl get apps.app.example.com -A -o yaml",
                    left.words(),
                    crd.live.id
                );
            }
        }
        if self.output.is_none() && matches!(apps, Apps::Seen { .. }) {
            let (words, remark) = (apps.words(), self.dry_run.remark());
            printer.say(&format!(
                "{words} deleted, with the Deployments and Services that they own{remark}"
            ));
        }
        Ok(())
    }

    async fn delete(
        &self,
        server: &Server,
        printer: Printer,
        live: &Live,
        policy: &str,
    ) -> anyhow::Result<()> {
        if self.dry_run != DryRun::Client {
            let Live { id, uid } = live;
            request::delete(server, id, uid, policy, self.dry_run.write()).await?;
        }
        let line = match self.output {
            None => live.id.line("deleted", self.dry_run.remark()),
            Some(_) => format!("{}\n", live.id.name_line()),
        };
        Ok(printer.data(&line)?)
    }

    fn say_nothing_there(&self, printer: Printer, other: Option<&String>) {
        let hint = match other {
            Some(other) => format!(" There is one in namespace {other}: --namespace {other}"),
            None => String::new(),
        };
        printer.say(&format!(
            "There is no operator to remove in namespace {}.{hint}",
            self.namespace
        ));
    }

    /// Tells what was passed over; false if something could not be seen.
    fn remark(&self, printer: Printer, found: &Found) -> bool {
        for id in &found.strange {
            printer.note(&format!("{id} bears no label of appop install: it stays."));
        }
        for (id, other) in &found.elsewhere {
            printer.note(&format!(
                "{id} is for the operator in namespace {other}: it stays."
            ));
        }
        for id in &found.unseen {
            printer.warn(&format!(
                "you may not look at {id}: if it is there, it stays."
            ));
        }
        found.unseen.is_empty()
    }
}

fn refusal(id: &Id, apps: &Apps) -> anyhow::Error {
    anyhow::anyhow!(
        "with {id} would go {}, and the Deployments and Services that they own. Nothing was \
         deleted.\nRemove the operator alone, and leave all of them as they are: appop uninstall \
         --keep-crd\nDelete them too: appop uninstall --delete-apps",
        apps.words()
    )
}
