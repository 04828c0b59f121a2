"""The flag by which the processes of `verify` compile quickly."""

import pytest

from ledger import compilation


@pytest.mark.parametrize(
    ("release", "before", "after"),
    [
        ("0.10.2", None, "--xla_cpu_use_fusion_emitters=false"),
        ("0.10.2", "--xla_dump_to=x", "--xla_dump_to=x --xla_cpu_use_fusion_emitters=false"),
        ("0.10.2", "--xla_cpu_use_fusion_emitters=true", "--xla_cpu_use_fusion_emitters=true"),
        ("0.6.0", None, None),
        ("0.11.0", "--xla_dump_to=x", "--xla_dump_to=x"),
    ],
)
def test_the_flag_is_added_where_it_is_known_and_not_set(monkeypatch, release, before, after):
    monkeypatch.setattr(compilation, "version", lambda package: release)
    monkeypatch.setenv("XLA_FLAGS", before or "")
    compilation.quickly()
    assert compilation.os.environ["XLA_FLAGS"] == (after or "")
