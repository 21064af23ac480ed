//! What a server serves: groups, versions, resources.
