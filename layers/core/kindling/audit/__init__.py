"""The audit log: which key asked for which change, when, and what was answered."""
