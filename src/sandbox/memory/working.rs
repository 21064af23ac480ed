//! The thread of the controllers: told of every change, at work whenever something is due.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;

use super::api::Api;
use super::controllers::cluster::{Change, Key, What};
use super::controllers::manager::{Manager, reads};
use super::definitions::Definitions;
use super::store::{self, Event, Query, ShelfId};
use super::within::{Within, gvr};
use crate::sandbox::error::Error;

/// How many changes are taken in before the controllers work again.
const AT_ONCE: usize = 256;

/// See the module. Ends when it is dropped.
pub struct Controllers {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Controllers {
    /// Begins with everything that is stored.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(api: &Arc<Api>) -> Result<Self, Error> {
        let changes = api.store.follow();
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let runtime = runtime.map_err(Error::system("start the controllers"))?;
        let api = Arc::clone(api);
        let thread = thread::Builder::new()
            .name("controllers".to_owned())
            .spawn(move || runtime.block_on(work(api, changes, stopped)))
            .map_err(|problem: io::Error| Error::system("start the controllers")(problem))?;
        Ok(Controllers {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Controllers {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // It ends within a turn; how it ended is of no use to anybody.
            let _ = thread.join();
        }
    }
}

/// Serves what the CustomResourceDefinitions that are stored define, before anybody asks.
pub fn serve_definitions(api: &Api) {
    let shelf = Definitions::shelf(api);
    let page = api.store.list(shelf, &Query::everything());
    for stored in page.map(|page| page.items).unwrap_or_default() {
        Definitions::serve(api, &stored.value());
    }
}

async fn work(
    api: Arc<Api>,
    mut changes: UnboundedReceiver<(ShelfId, Arc<Event>)>,
    mut stop: watch::Receiver<bool>,
) {
    let cluster = Within::new(Arc::clone(&api), "kube-controller-manager");
    let server = Within::new(Arc::clone(&api), "kube-apiserver");
    let mut manager = Manager::new(&api.settings.ca_pem);
    let mut definitions = Definitions::new(&api);
    let mut batch = Vec::with_capacity(AT_ONCE);
    // What there is comes first, and all of it, so that nobody's owner seems to be gone.
    while let Ok((shelf, event)) = changes.try_recv() {
        tell(&api, &mut manager, &mut definitions, shelf, &event);
    }
    let mut wait = Some(Duration::ZERO);
    loop {
        let received = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            received = changes.recv_many(&mut batch, AT_ONCE) => received,
            () = sleep(wait) => usize::MAX,
        };
        if received == 0 {
            return;
        }
        for (shelf, event) in batch.drain(..) {
            tell(&api, &mut manager, &mut definitions, shelf, &event);
        }
        let first = definitions.turn(&api, &server);
        let second = manager.turn(&cluster);
        wait = match (first, second) {
            (Some(first), Some(second)) => Some(first.min(second)),
            (first, second) => first.or(second),
        };
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

fn tell(
    api: &Api,
    manager: &mut Manager,
    definitions: &mut Definitions,
    shelf: ShelfId,
    event: &Event,
) {
    definitions.changed(shelf, event);
    // What is not served any more has nobody who cares.
    let Some(served) = api.registry.served_at(shelf) else {
        return;
    };
    // No controller asks for Events, and there may be more of them than of all else.
    if served.is_collected_by_nobody() {
        return;
    }
    let facts = &event.object.facts;
    let resource = gvr(&served);
    let object = match reads(&resource) {
        true => event.object.value(),
        false => event.object.metadata(),
    };
    let change = Change {
        key: Key {
            resource,
            namespace: facts.namespace.to_string(),
            name: facts.name.to_string(),
        },
        what: match event.what {
            store::What::Added => What::Added,
            store::What::Modified => What::Modified,
            store::What::Deleted => What::Deleted,
        },
        object: Arc::new(object),
    };
    manager.changed(&change);
}
