//! Nodes that exist only in the API, and pods that become ready on them.
