"""Figures of an embedder on classes that it has never seen: enrol a few photographs, name the others. Pure numbers."""

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import AgglomerativeClustering

DRAWS = 10
GROUPS = 6


@dataclass(frozen=True)
class Unseen:
    """Held-out photographs: unit embeddings N x D, class and group of look-alikes of each; `studio`: one row
    a class, in the order of `np.unique(fine)`."""
    rows: np.ndarray
    fine: np.ndarray
    group: np.ndarray
    studio: np.ndarray


def look_alikes(embeddings: np.ndarray, fine: np.ndarray) -> np.ndarray:
    """Group of every photograph: each class cut into six by look, as folds.py does; numbers are unique."""
    centred = embeddings - embeddings.mean(0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    groups = np.zeros(len(fine), int)
    for label in np.unique(fine):
        rows = np.flatnonzero(fine == label)
        found = AgglomerativeClustering(min(GROUPS, len(rows)), linkage='ward').fit(centred[rows]).labels_
        groups[rows] = label * GROUPS + found
    return groups


def named(gallery: np.ndarray, of: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """Class of every query: that of the nearest prototype, the mean of a class's rows of the gallery."""
    classes = np.unique(of)
    prototypes = np.stack([gallery[of == label].mean(0) for label in classes])
    prototypes /= np.linalg.norm(prototypes, axis=1, keepdims=True)
    return classes[(queries @ prototypes.T).argmax(1)]


def drawn(unseen: Unseen, photos: int, candidates: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Rows of the gallery: so many photographs of every class, or all there are, from the candidates."""
    return np.concatenate([
        random.permutation(np.flatnonzero(candidates & (unseen.fine == label)))[:photos]
        for label in np.unique(unseen.fine)])


def half_of_groups(unseen: Unseen, random: np.random.Generator) -> np.ndarray:
    """True for the photographs of half of every class's groups: those that may be enrolled. The others are
    asked for, so that no near-copy of an enrolled photograph is."""
    chosen = np.concatenate([
        random.permutation(np.unique(unseen.group[unseen.fine == label]))[:GROUPS // 2]
        for label in np.unique(unseen.fine)])
    return np.isin(unseen.group, chosen)


def right(unseen: Unseen, photos: int, other_groups: bool, first: np.ndarray | None = None) -> list[float]:
    """Share of the queries named right in each of ten draws. Queries are all photographs of the other
    groups, or, without `other_groups`, all but the enrolled; with `first` (a mask) those outside it,
    and the gallery is drawn from inside it."""
    shares = []
    for draw in range(DRAWS):
        random = np.random.default_rng(draw)
        may = first if first is not None else np.ones(len(unseen.fine), bool)
        if other_groups:
            may = half_of_groups(unseen, random)
        gallery = drawn(unseen, photos, may, random)
        asked = ~np.isin(np.arange(len(may)), gallery)
        if other_groups or first is not None:
            asked = ~may
        told = named(unseen.rows[gallery], unseen.fine[gallery], unseen.rows[asked])
        shares.append(float((told == unseen.fine[asked]).mean()))
    return shares


def from_studio(unseen: Unseen) -> float:
    classes = np.unique(unseen.fine)
    return float((named(unseen.studio, classes, unseen.rows) == unseen.fine).mean())
