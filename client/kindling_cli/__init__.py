"""The command `kindling`, over the client."""
