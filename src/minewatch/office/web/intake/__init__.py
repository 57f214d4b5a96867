"""Pages of the intake: findings received, delivering a file of them, labels to take away."""
