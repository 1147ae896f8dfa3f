"""Checks that live outside test modules explain themselves too."""

import pytest

pytest.register_assert_rewrite("tests.hostile.stages", "tests.hostile.world")
