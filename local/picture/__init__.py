"""The picture of the architecture, drawn from the template: `make picture` writes it to docs/architecture.svg."""
