"""Makes bootstrap.json: percentile intervals of 95 % from 200,000 resamples, for samples that formulas describe.

    python bootstrap.py > bootstrap.json

The tests make the same samples. A sample is a list of clusters, each with a weighted sum and a weight; a resample draws
as many clusters as the sample has, with replacement, and its statistic is the ratio of the sums. Needs numpy.
"""
import json

import numpy as np

RESAMPLES = 200_000


def clusters(items):
    """Sums and weights of items (cluster, value, weight)."""
    sums = {}
    for cluster, value, weight in items:
        total = sums.setdefault(cluster, [0.0, 0.0])
        total[0] += value * weight
        total[1] += weight
    return np.array(list(sums.values()))


def right(number, thousandths):
    return 100.0 if number * 37 % 1000 < thousandths else 0.0


SAMPLES = {
    # Test sets of 5,000 and 5,153 questions.
    'math': [(i, right(i, 202), 1.0) for i in range(5000)],
    'words': [(i, right(i, 431), 1.0) for i in range(5153)],
    # Scores between 0 and 100, most of them low.
    'overlap': [(i, (i * 7919 % 1000) ** 2 / 10_000, 1.0) for i in range(2000)],
    # Four rotations of each question: known, or right where the letter fits.
    'rotations': [(i // 4, 100.0 if i // 4 * 53 % 100 < 60 or i % 4 == i // 4 % 4 else 0.0, 1.0) for i in range(4000)],
    # Documents of different lengths.
    'weighted': [(i, right(i, 850), 50.0 + i * 31 % 400) for i in range(3000)],
}


def interval(sample, rng):
    count, statistics = len(sample), []
    for start in range(0, RESAMPLES, 1000):
        drawn = sample[rng.integers(0, count, (min(1000, RESAMPLES - start), count))].sum(axis=1)
        statistics.append(drawn[:, 0] / drawn[:, 1])
    low, high = np.quantile(np.concatenate(statistics), [0.025, 0.975])
    return {'low': round(float(low), 4), 'high': round(float(high), 4)}


print(json.dumps({name: interval(clusters(items), np.random.default_rng(1)) for name, items in SAMPLES.items()}, indent=1))
