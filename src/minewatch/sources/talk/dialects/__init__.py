"""The languages of mining: a file for each family, each with tables of what miner and pool say."""
