"""API keys: authentication, scopes, issuing and revoking, and request quotas."""
