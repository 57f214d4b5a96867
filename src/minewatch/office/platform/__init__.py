"""What every office app stands on: regions, agencies, users and roles, scope, audit, events."""
