"""The programming interface: the same selectors and services as the console, for programs with a token."""
