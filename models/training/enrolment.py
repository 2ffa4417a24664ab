"""Figures of an embedder on classes it has never seen: a few photographs enrolled, the others named."""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import AgglomerativeClustering

DRAWS = 10
GROUPS = 6
ENROLLED = (1, 5, 20)


@dataclass(frozen=True)
class Unseen:
    """Held-out photographs: unit embeddings N x D, class and group of look-alikes of each, and whether it
    was taken on another day (val.txt); `studio`: one row a class, in the order of `np.unique(fine)`."""
    rows: np.ndarray
    fine: np.ndarray
    group: np.ndarray
    later: np.ndarray
    studio: np.ndarray


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def look_alikes(embeddings: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Group of every photograph: each class cut into six by look, as folds.py does; numbers are unique."""
    centred = unit(embeddings - embeddings.mean(0))
    groups = np.zeros(len(fine), int)
    for label in np.unique(fine):
        rows = np.flatnonzero(fine == label)
        found = AgglomerativeClustering(min(GROUPS, len(rows)), linkage='ward').fit(centred[rows]).labels_
        groups[rows] = label * GROUPS + found
    return groups


def prototypes(gallery: np.ndarray, of: np.ndarray) -> np.ndarray:
    """One unit row a class, in the order of np.unique(of): the mean of its rows of the gallery."""
    return unit(np.stack([gallery[of == label].mean(0) for label in np.unique(of)]))


def named(gallery: np.ndarray, of: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Class of every query: that of the nearest prototype."""
    return np.unique(of)[(queries @ prototypes(gallery, of).T).argmax(1)]


def drawn(fine: np.ndarray, photos: int, may: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Rows of a gallery: so many photographs of every class, or all there are, of those that may."""
    return np.concatenate([random.permutation(np.flatnonzero(may & (fine == label)))[:photos]
                           for label in np.unique(fine)])


def half_of_groups(unseen: Unseen, random: np.random.Generator) -> np.ndarray:
    """True for the photographs of half of every class's groups: those that may be enrolled. The others are
    asked for, so that no look-alike of an enrolled photograph is."""
    chosen = np.concatenate([
        random.permutation(np.unique(unseen.group[unseen.fine == label]))[:GROUPS // 2]
        for label in np.unique(unseen.fine)])
    return np.isin(unseen.group, chosen)


def draws(unseen: Unseen, photos: int, queries: str):
    """Ten times the rows that are enrolled and those that are asked for: with `any` queries all the others,
    with `otherLooks` none that looks like an enrolled one, with `otherDays` val.txt from train.txt."""
    for seed in range(DRAWS):
        random = np.random.default_rng(seed)
        may = {'any': lambda: np.ones(len(unseen.fine), bool), 'otherDays': lambda: ~unseen.later,
               'otherLooks': lambda: half_of_groups(unseen, random)}[queries]()
        gallery = drawn(unseen.fine, photos, may, random)
        asked = np.setdiff1d(np.arange(len(may)), gallery) if queries == 'any' else np.flatnonzero(~may)
        yield gallery, asked


def right(unseen: Unseen, photos: int, queries: str) -> float:
    """Share of the queries named right, mean of the draws."""
    return float(np.mean([
        (named(unseen.rows[gallery], unseen.fine[gallery], unseen.rows[asked]) == unseen.fine[asked]).mean()
        for gallery, asked in draws(unseen, photos, queries)]))


def strangers(unseen: Unseen, photos: int, accepted: float = 0.02) -> dict:
    """Every second class is enrolled, the others are strangers. `distance`: the cosine distance to the
    nearest prototype within which 2 % of the strangers' photographs lie; `named`: the share of the
    queries (other looks) that are within it and named right."""
    enrolled = np.isin(unseen.fine, np.unique(unseen.fine)[::2])
    distances, shares = [], []
    for gallery, asked in draws(unseen, photos, 'otherLooks'):
        gallery, known = gallery[enrolled[gallery]], asked[enrolled[asked]]
        of = unseen.fine[gallery]
        likeness = unseen.rows @ prototypes(unseen.rows[gallery], of).T
        least = np.quantile(likeness[~enrolled].max(1), 1 - accepted)
        right = np.unique(of)[likeness[known].argmax(1)] == unseen.fine[known]
        distances.append(1 - least)
        shares.append((right & (likeness[known].max(1) >= least)).mean())
    return {'distance': float(np.mean(distances)), 'named': float(np.mean(shares))}


def measure_unseen(unseen: Unseen) -> dict:
    """All figures, rates 0 to 1, by the number of enrolled photographs."""
    classes = np.unique(unseen.fine)
    return {'classes': len(classes), 'images': len(unseen.fine),
            **{queries: {str(photos): right(unseen, photos, queries) for photos in ENROLLED}
               for queries in ('otherLooks', 'otherDays', 'any')},
            'studio': float((named(unseen.studio, classes, unseen.rows) == unseen.fine).mean()),
            'strangers': {str(photos): strangers(unseen, photos) for photos in ENROLLED}}


def mean_of(figures: list):
    """Of equal nested tables, rounded."""
    if isinstance(figures[0], dict):
        return {key: mean_of([one[key] for one in figures]) for key in figures[0]}
    return round(float(np.mean(figures)), 4)
