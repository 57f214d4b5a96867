"""Where a step runs: this machine's cores or a Spark cluster; same rows on both."""
