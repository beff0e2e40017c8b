"""Pictures of a search: single figures for notebooks, and a page that needs nothing else to be opened.

Figures are plotly's, which the extra ``report`` installs. ``python -m pip install "hpcore[report]"``
"""

from hpcore.report.figure import figure, names
from hpcore.report.page import html

__all__ = ["figure", "html", "names"]
