//! A Kubernetes API on this machine.
