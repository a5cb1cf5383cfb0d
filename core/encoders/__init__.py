"""The encoders that the protocol in core/encoder.py is filled with.

Importing OpenVINO would tell Intel so, through Google Analytics, from a forked process, with an id that it leaves
in the home folder. Whoever imports OpenVINO in this product does it from below this package, which takes that
part away first: OpenVINO then uses the silent stand-in that it brings for installations without it.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
