//! The controllers of kube-controller-manager, as far as workloads without containers need them.

pub mod cluster;
