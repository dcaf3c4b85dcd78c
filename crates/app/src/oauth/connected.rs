//! What a person connected: the list, and disconnecting.
