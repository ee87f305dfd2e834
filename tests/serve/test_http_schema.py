"""The API against its own description, by schemathesis: what it says of its answers is so, and nothing is a 5xx.

Requests are made as the description allows and as it does not. `/v1/live/stream` is left out: it never ends, so there
is no answer to look at; test_http_live.py reads it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from golden import Golden
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import ignored_auth, negative_data_rejection, positive_data_acceptance
from soak import fuzz

from .running import Running

TOKEN = "sesame"
OPERATIONS = (
    ("POST", "/v1/events"), ("GET", "/v1/live"), ("GET", "/v1/kpis"), ("GET", "/v1/kpis/{name}"),
    ("GET", "/v1/features/{entity}/{id}"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"),
)  # fmt: skip
VARIED = ("/v1/events", "/v1/kpis/{name}", "/v1/features/{entity}/{id}")
ENDLESS = ("GET", "/v1/live/stream")
# schemathesis invents wrong tokens, more than one client may send.
_MANY = "from armazem.serve.http.attempts import Attempts as A; A.__init__.__kwdefaults__.update(per_client=10**9)"


@pytest.fixture(scope="module")
def served(golden: Golden, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("described")
    shop = golden.once(folder / "home")
    with Running(shop.path, before=_MANY, token=TOKEN) as running:
        yield running


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Without a token, and with nothing built."""
    with Running(tmp_path_factory.mktemp("bare") / "home", before=_MANY) as running:
        yield running


def test_every_operation_is_here(bare: Running) -> None:
    paths = bare.client.get("/openapi.json").json()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == {*OPERATIONS, ENDLESS}


def call_them(server: Running, method: str, path: str, headers: dict[str, str], *, is_built: bool) -> list[int]:
    """Call an operation many times, rightly and wrongly, and check each answer; their statuses."""
    schema = schemathesis.openapi.from_dict(server.client.get("/openapi.json").json())
    schema.config.update(base_url=server.url)
    operation = schema[path][method]
    statuses: list[int] = []
    excluded = [not_a_server_error]
    if path in VARIED or not is_built:
        # An event of the described form may be of 1969, or lack what its type needs; a table has some filters.
        excluded.append(positive_data_acceptance)
    if not is_built:
        excluded += [ignored_auth, negative_data_rejection]  # it has no token to ask for
    if headers:
        excluded.append(ignored_auth)  # it takes the right token for the wrong one that stood in its place

    def one(case: Case) -> None:
        invented = {name: value for name, value in (case.headers or {}).items() if name.lower() != "authorization"}
        case.headers = {**invented, **headers}
        response = case.call(timeout=60)
        statuses.append(response.status_code)
        not_built = response.status_code == 503 and not is_built and b"not_ready" in response.content
        assert response.status_code < 500 or not_built, response.text
        case.validate_response(response, excluded_checks=excluded)

    # The others take nothing that could be wrong.
    wrongly = [GenerationMode.NEGATIVE] if path in VARIED else []
    for mode in (GenerationMode.POSITIVE, *wrongly):
        run = settings(
            max_examples=fuzz(8),
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(case=operation.as_strategy(generation_mode=mode))(one))
        run()
    return statuses


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_with_the_token(served: Running, method: str, path: str) -> None:
    statuses = call_them(served, method, path, {"Authorization": f"Bearer {TOKEN}"}, is_built=True)
    assert 401 not in statuses and 429 not in statuses


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_without_the_token(served: Running, method: str, path: str) -> None:
    statuses = call_them(served, method, path, {}, is_built=True)
    assert 200 not in statuses or not path.startswith("/v1/")


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_where_there_is_no_token_and_nothing_is_built(bare: Running, method: str, path: str) -> None:
    assert 401 not in call_them(bare, method, path, {}, is_built=False)
