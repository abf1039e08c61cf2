"""The log of messages that passed the gate: whose they are, what became of them, and on which day reports count."""
