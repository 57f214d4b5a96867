"""Mining on connections that cannot be read, told by when who sends how much."""
