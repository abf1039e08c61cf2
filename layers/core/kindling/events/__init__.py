"""Events: every change of a state, sent to the webhooks of its tenant, signed, with retries."""
