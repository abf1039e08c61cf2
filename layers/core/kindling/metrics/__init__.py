"""What became of a domain's mail, by day, hour and mailbox provider."""
