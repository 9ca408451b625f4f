"""Replacing what runs behind the proxy, without a request that fails."""
