"""Failures of the engines' contract are explained as those of a test module are."""

import pytest

pytest.register_assert_rewrite("tests.indexer.engines.contract")
