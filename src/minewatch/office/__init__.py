"""The office half: the departments' register and the cases they work to their end, on Django."""
