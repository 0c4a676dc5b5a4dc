"""Prometheus' own parser reads /metrics."""

import httpx
from prometheus_client.parser import text_string_to_metric_families


def families(url: str) -> dict:
    answer = httpx.get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def test_everything_is_read(url, account):
    assert httpx.post(f"{url}/api/token/refresh", json={"refresh": account.token}).status_code == 200
    seen = families(url)

    assert all(family.documentation and family.type != "unknown" for family in seen.values())
    granted = [it.value for it in seen["patmint_exchanges"].samples if it.labels["outcome"] == "granted"]
    assert granted[0] >= 1
    durations = seen["patmint_exchange_duration_seconds"]
    assert durations.type == "histogram"
    buckets = [(float(it.labels["le"]), it.value) for it in durations.samples if it.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert [value for _, value in buckets] == sorted(value for _, value in buckets)
    count = next(it.value for it in durations.samples if it.name.endswith("_count"))
    assert buckets[-1] == (float("inf"), count)
    assert next(it.value for it in durations.samples if it.name.endswith("_sum")) > 0
