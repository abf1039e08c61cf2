"""The messages that passed the gate: whose they are, and on which day what is reported about them counts."""
