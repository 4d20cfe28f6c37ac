"""How thoroughly properties are tried: HYPOTHESIS_PROFILE=ci tries five times as many examples as a run by hand."""

import os
import urllib.request

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("fast", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("fast"), max_examples=300, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fast"))


@pytest.fixture(scope="session")
def elasticsearch() -> str:
    """The address of an Elasticsearch: KB_TEST_ELASTICSEARCH, else the one on this machine."""
    address = os.environ.get("KB_TEST_ELASTICSEARCH", "http://127.0.0.1:9200").rstrip("/")
    try:
        urllib.request.urlopen(address, timeout=5).close()
    except OSError:
        if "KB_TEST_ELASTICSEARCH" in os.environ:
            raise
        pytest.skip("there is no Elasticsearch on this machine, and KB_TEST_ELASTICSEARCH names none")
    return address
