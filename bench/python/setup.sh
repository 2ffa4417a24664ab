#!/usr/bin/env bash
# Makes the Python of the comparison in the folder given: a venv with the versions of today.
# Prints the path of its interpreter; says why and fails where Python or the packages are missing.
set -eu
folder=$1
if [ ! -x "$folder/bin/python" ] || ! "$folder/bin/python" -c 'import cv2, openvino, paho.mqtt' 2>/dev/null; then
  python3 -m venv "$folder" >&2
  "$folder/bin/pip" install -q -r "$(dirname "$0")/requirements.txt" >&2
fi
echo "$folder/bin/python"
