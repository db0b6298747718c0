"""Every draw has its own seed, which other draws do not change."""

from benchmark.seeds import derive


def test_seed_is_named_by_all_labels_in_order():
    seeds = [
        derive(*labels)
        for labels in (
            (1,),
            (2,),
            (1, "a"),
            (1, "b"),
            (1, "a", "b"),
            (1, "b", "a"),
            (1, "ab"),
            (1, "a", ""),
            (1, "", "a"),
        )
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive(1, "a", 3) == derive(1, "a", "3")


def test_seed_is_the_beginning_of_a_digest_on_every_machine():
    """The first 63 bits of the SHA-256 of 7, removal, oasis and sub-01, separated by U+001F."""
    assert derive(7, "removal", "oasis", "sub-01") == int("1e9ad361f3f816c2", 16) >> 1
