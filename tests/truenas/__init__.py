"""TrueNAS as a target, tried on a server that speaks its protocol."""
