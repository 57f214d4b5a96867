"""What is said on a connection: bytes in order, out of what carries them, to facts of mining."""
