"""A server of the Model Context Protocol: what an agent needs of Kindling, as tools."""
