"""Words that only mining says, for the search in the text of a flow before anything is parsed."""

MINING_WORDS: tuple[bytes, ...] = (
    b"mining.",
    b"eth_submit",
    b"eth_getwork",
    b"eth_login",
    b"getwork",
    b"getblocktemplate",
    b"submitblock",
    b'"login"',
    b'"job"',
    b"job_id",
    b"jobid",
    b"keepalived",
    b"seed_hash",
    b'"submit"',
    b"site_key",
)
"""In lower case; the text is compared in any case."""
