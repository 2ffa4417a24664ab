"""Writes labels.csv from the data set's classes.csv, with the PLU of loose produce; no guesses."""

import csv
from dataclasses import dataclass
from pathlib import Path

HEADER = ['index', 'sku', 'name', 'plu', 'gtin', 'coarse', 'variantOf', 'group']

# IFPS codes of the large size where sizes have codes of their own. A class that the list splits
# by something that the data set does not say (orange, plum, potato, ...) has none here.
PLU = {
    'Golden-Delicious': '4020', 'Granny-Smith': '4017', 'Pink-Lady': '4130',
    'Red-Delicious': '4016', 'Royal-Gala': '4174', 'Banana': '4011', 'Kiwi': '4030',
    'Lemon': '4053', 'Lime': '4048', 'Mango': '4959', 'Cantaloupe': '4050',
    'Honeydew-Melon': '4329', 'Passion-Fruit': '4397', 'Anjou': '4416', 'Conference': '3017',
    'Pineapple': '4430', 'Asparagus': '4080', 'Aubergine': '4081', 'Cabbage': '4069',
    'Carrots': '4562', 'Cucumber': '4593', 'Garlic': '4608', 'Ginger': '4612', 'Leek': '4629',
    'Brown-Cap-Mushroom': '4648', 'Yellow-Onion': '4093', 'Green-Bell-Pepper': '4065',
    'Orange-Bell-Pepper': '3121', 'Red-Bell-Pepper': '4688', 'Yellow-Bell-Pepper': '4689',
    'Vine-Tomato': '4664', 'Zucchini': '4067',
}
# Organic articles whose ordinary twin is a class too: a picture alone hardly tells them apart.
VARIANT_OF = {
    'Arla-Ecological-Medium-Fat-Milk': 'Arla-Medium-Fat-Milk',
    'Arla-Ecological-Sour-Cream': 'Arla-Sour-Cream',
}


@dataclass(frozen=True)
class Label:
    index: int
    name: str
    coarse: str
    coarse_index: int
    loose: bool


def read_classes(data: Path) -> list[Label]:
    """Rows of DATA/classes.csv in the order of their index."""
    with open(data / 'classes.csv', newline='') as file:
        rows = list(csv.reader(file))[1:]
    labels = [Label(int(row[1]), row[0], row[2], int(row[3]), '/Packages/' not in row[4])
              for row in rows if row]
    return sorted(labels, key=lambda label: label.index)


def write_labels(labels: list[Label], file: Path) -> None:
    with open(file, 'w', newline='') as out:
        writer = csv.writer(out, lineterminator='\n')
        writer.writerow(HEADER)
        for label in labels:
            writer.writerow([
                label.index, label.name.lower(), label.name, PLU.get(label.name, ''), '',
                label.coarse, VARIANT_OF.get(label.name, '').lower(),
                'loose' if label.loose else 'packed'])
