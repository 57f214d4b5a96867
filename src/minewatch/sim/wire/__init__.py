"""What goes over the carriers' lines: conversations, packets, logs. Nothing is ever sent."""
