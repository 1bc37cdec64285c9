"""XML elements whose attributes are words, numbers or arrays of numbers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np


def add(parent: ET.Element, tag: str, **attributes: Any) -> ET.Element:
    """Append an element; numbers are written so that reading them gives the same bits."""
    words = {key: _text(value) for key, value in attributes.items()}
    return ET.SubElement(parent, tag, words)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return " ".join(repr(number) for number in np.ravel(value).tolist())
