"""Logs of the trials of a search, in memory or stored: leases, heartbeat, the replica of a store, and the codec."""
