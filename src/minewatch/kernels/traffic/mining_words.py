"""Words that only mining says, for the search in the text of a flow before anything is parsed."""

MINING_SIGNS: tuple[tuple[bytes, ...], ...] = (
    (b"mining.",),
    (b"eth_submit",),
    (b"eth_getwork",),
    (b"eth_login",),
    (b"getwork",),
    (b"getblocktemplate",),
    (b"submitblock",),
    (b"keepalived",),
    (b"seed_hash",),
    (b"ckb_submit",),
    (b"ckb_getwork",),
    (b"pow_hash",),
    (b"pre_pow",),
    (b"edge_bits",),
    (b"midstate",),
    (b"coinbasevalue",),
    (b"hash_accepted",),
    (b"site_key", b'"auth"'),
    (b"identifier", b'"handshake"'),
    (b"api_key", b'"login"'),
    (b'"login"', b'"pass"'),
    (b'"login"', b'"agent"'),
    (b'"login"', b'"algo"'),
    (b'"login"', b'"rigid"'),
    (b'"job"', b"blob"),
    (b"job_id", b"blob"),
    (b"job_id", b"nonce"),
    (b"jobid", b"nonce"),
    (b'"submit"', b"nonce"),
    (b'"solution"', b"nonce"),
    (b'"input"', b'"difficulty"'),
    (b'"result":["0x', b'"0x000000'),
    (b'"result": ["0x', b'"0x000000'),
)
"""Each sign is one word, or some that count when both directions of a flow have said them all.

In lower case; the text is compared in any case. Words of 4 to 32 bytes. What is common outside mining
(``login`` of any application, ``job_id`` of any queue) is a sign only with a second word, because the slow
reading of the messages begins there.
"""

CARRIER_SIGNS: tuple[tuple[bytes, ...], ...] = ((b"content-encoding:",), (b"sec-websocket-",))
"""What hides the words from the search: compressed bodies, and frames with masks; it is read slowly."""
