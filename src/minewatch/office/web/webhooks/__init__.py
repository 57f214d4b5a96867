"""Webhooks: what they tell of, and the pages of an agency's subscriptions."""
