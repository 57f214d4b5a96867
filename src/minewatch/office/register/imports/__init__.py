"""Files of the register's things: read, mapped, tried without effect, confirmed, and applied by a worker."""
