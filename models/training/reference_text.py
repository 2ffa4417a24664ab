# What rapidocr reads with the weights of models/pp-ocr-*: the reference of src/recognition/text. Needs rapidocr and onnxruntime.
import argparse
import json
import sys
from pathlib import Path

from rapidocr import RapidOCR
from rapidocr.utils.typings import LangDet, LangRec, ModelType, OCRVersion

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--models", default="models", help="the folder with pp-ocr-detector and pp-ocr-recogniser")
parser.add_argument("images", nargs="+")
args = parser.parse_args()

models = Path(args.models)
reader = RapidOCR(
    params={
        "Global.use_cls": False,
        "Global.log_level": "error",
        "Det.ocr_version": OCRVersion.PPOCRV6,
        "Det.model_type": ModelType.TINY,
        "Det.lang_type": LangDet.CH,
        "Det.model_path": str(models / "pp-ocr-detector" / "pp-ocr-detector.onnx"),
        # Of the manifest; rapidocr's own default is one half.
        "Det.mean": [0.485, 0.456, 0.406],
        "Det.std": [0.229, 0.224, 0.225],
        "Rec.ocr_version": OCRVersion.PPOCRV6,
        "Rec.model_type": ModelType.TINY,
        "Rec.lang_type": LangRec.EN,
        "Rec.model_path": str(models / "pp-ocr-recogniser" / "pp-ocr-recogniser.onnx"),
        "Rec.rec_batch_num": 1,
    }
)
read = []
for path in args.images:
    result = reader(path)
    lines = [] if result.txts is None else zip(result.txts, result.scores)
    read.append([{"text": text, "score": float(score)} for text, score in lines])
json.dump(read, sys.stdout)
