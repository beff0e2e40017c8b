"""The log of a search's trials, in memory or durable: leases, heartbeat, the replica of a store, and the codec."""
