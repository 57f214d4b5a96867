"""Pages of the three administrators: accounts, agencies and regions, the state of the office, the audit."""
