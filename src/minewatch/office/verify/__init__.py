"""Cases and tasks, hand-overs, inspections and judgements."""
