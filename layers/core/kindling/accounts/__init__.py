"""Email accounts: provisioned, warmed up."""
