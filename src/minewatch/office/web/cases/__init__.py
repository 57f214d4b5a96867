"""Pages of the work on cases: the queue, cases and what is done in them, batches, questions to carriers."""
