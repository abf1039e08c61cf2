"""How work gets in: all that knows Lambda and HTTP. Nothing below imports it."""
