//! The addresses of a simulated node's pods.

use std::collections::BTreeSet;

use super::node::{POD_HOSTS, Simulated};

/// A node's own subnet.
#[derive(Debug)]
pub(super) struct Subnet {
    node: Simulated,
    taken: BTreeSet<u8>,
    last: u8,
}

impl Subnet {
    pub(super) fn new(node: Simulated) -> Self {
        Subnet {
            node,
            taken: BTreeSet::new(),
            last: *POD_HOSTS.end(),
        }
    }

    pub(super) fn node(&self) -> Simulated {
        self.node
    }

    /// The next free host after the one last taken: one just given back rests for a while, as its
    /// former pod may still be known somewhere.
    pub(super) fn take(&mut self) -> Option<u8> {
        let after = self.last.saturating_add(1)..=*POD_HOSTS.end();
        let host = after
            .chain(POD_HOSTS)
            .find(|host| !self.taken.contains(host))?;
        self.taken.insert(host);
        self.last = host;
        Some(host)
    }

    pub(super) fn release(&mut self, host: u8) {
        self.taken.remove(&host);
    }

    /// How many are taken.
    #[cfg(test)]
    pub(super) fn taken(&self) -> usize {
        self.taken.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_go_round_and_run_out() {
        let mut subnet = Subnet::new(Simulated(0));
        assert_eq!((subnet.take(), subnet.take()), (Some(2), Some(3)));
        subnet.release(2);
        assert_eq!(subnet.take(), Some(4));
        let rest: Vec<u8> = std::iter::from_fn(|| subnet.take()).collect();
        assert_eq!(rest.last(), Some(&2));
        subnet.release(100);
        assert_eq!((subnet.take(), subnet.take()), (Some(100), None));
    }
}
